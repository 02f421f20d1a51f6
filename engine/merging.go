package engine

import (
	"time"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	mergeAge   = 30 * time.Second // whoever began before that is no newcomer
	mergeSpan  = 10 * sched.Second
	mergeGap   = 600 * sched.Second // between two merges that are told
	mergeLooks = 32                 // members that became known lately
)

// mergeWatch finds out that two clusters that nobody named have become one: several members
// that were never heard of answer, and have long been running, while others are here.
type mergeWatch struct {
	new       [mergeLooks]state.Origin // known, and not met yet; the oldest gives way
	next      int
	first     sched.Instant // when the first of them answered
	n         int           // of them, within mergeSpan
	noticedAt sched.Instant // 0: never
}

// meets takes what happened to a member: it runs on the loop.
func (m *mergeWatch) meets(e *Engine, now sched.Instant, ev *core.Event) {
	if !e.cfg.mayMerge(e.addr.Addr()) {
		return
	}
	switch ev.Kind {
	case core.MemberJoined:
		m.new[m.next%mergeLooks] = ev.Origin
		m.next++
	case core.MemberReachable:
		if m.stranger(ev) {
			m.counts(e, now, ev)
		}
	}
}

// stranger tells whether a member that answers was not known before, and is no newcomer:
// generations begin as the time of a start.
func (m *mergeWatch) stranger(ev *core.Event) bool {
	for i := range m.new {
		if m.new[i] == ev.Origin && ev.Origin != 0 {
			m.new[i] = 0
			return time.Since(time.Unix(0, int64(ev.Generation))) > mergeAge
		}
	}
	return false
}

// counts counts another stranger. One alone may have waited before it joined, and who has
// nobody else joins them.
func (m *mergeWatch) counts(e *Engine, now sched.Instant, ev *core.Event) {
	if m.n == 0 || now-m.first > mergeSpan {
		m.first, m.n = now, 0
	}
	m.n++
	met := 0
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok && peer.Proven {
			met++
		}
	}
	if m.n < 2 || met <= m.n || m.noticedAt != 0 && now-m.noticedAt < mergeGap {
		return
	}
	m.noticedAt = now
	e.emit(Event{Kind: EventMerged, Member: e.memberOf(now, ev)})
}
