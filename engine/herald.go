package engine

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

const (
	heraldQueue = 1024
	logEvery    = 10 * time.Second // of one message
	logWarnings = 1                // lines of one message in that time, from Warn on
	logInfos    = 32               // and below, or of what happens to members
)

// herald runs the embedder's code, its logger and OnEvent, on a goroutine of
// its own. The loop hands over without waiting: what does not fit is counted.
type herald struct {
	e         *Engine
	queue     chan *notice
	lost      atomic.Uint64 // events that did not fit since the last that did
	lostTotal atomic.Uint64
	quiet     map[string]*quiet
}

// notice is an event, or a line for the log.
type notice struct {
	event Event
	text  string
	level slog.Level
	args  []any
	rare  bool // limited where it was made
	often bool // as often as what is below Warn
}

// quiet is what was logged of a message since from, and how often it was not.
type quiet struct {
	from            time.Time
	logged, skipped int
}

func newHerald(e *Engine) *herald {
	h := &herald{e: e, queue: make(chan *notice, heraldQueue), quiet: map[string]*quiet{}}
	go h.run()
	return h
}

func (h *herald) run() {
	for {
		select {
		case n := <-h.queue:
			h.deliver(n)
		case <-h.e.life.Done():
			for {
				select {
				case n := <-h.queue:
					h.deliver(n)
				default:
					return
				}
			}
		}
	}
}

func (h *herald) deliver(n *notice) {
	if n.text != "" {
		h.log(n)
		return
	}
	h.log(h.line(&n.event))
	if f := h.e.cfg.OnEvent; f != nil {
		if h.lost.Swap(0) > 0 {
			f(Event{Kind: EventOverflow})
		}
		f(n.event)
	}
}

// line is an event as the log tells it: member reports of peer.
func (h *herald) line(ev *Event) *notice {
	m := &ev.Member
	n := &notice{
		text: ev.Kind.String(), level: slog.LevelInfo, often: true,
		args: []any{"member", h.e.cfg.Name, "peer", m.Name, "addr", m.Addr, "generation", m.Generation},
	}
	if m.By != "" && m.State != StateAlive {
		n.args = append(n.args, "by", m.By)
	}
	switch ev.Kind {
	case EventDead, EventMerged:
		n.level = slog.LevelWarn
	case EventContradicted, EventUnsigned:
		n.level, n.args = slog.LevelWarn, append(n.args, "cause", ev.Cause)
	}
	return n
}

// log writes a message so often as its level may in logEvery: others can make
// every event happen, members too. The next line says how many were left out.
func (h *herald) log(n *notice) {
	logger := h.e.cfg.Logger
	if !logger.Enabled(context.Background(), n.level) {
		return
	}
	args := n.args
	if !n.rare {
		q := h.quiet[n.text]
		if q == nil {
			q = new(quiet)
			h.quiet[n.text] = q
		}
		skipped, ok := q.may(time.Now(), n.most())
		if !ok {
			return
		}
		if skipped > 0 {
			args = append(args, "skipped", skipped)
		}
	}
	logger.Log(context.Background(), n.level, n.text, args...)
}

// most is how many lines of a message there may be in logEvery.
func (n *notice) most() int {
	if n.level >= slog.LevelWarn && !n.often {
		return logWarnings
	}
	return logInfos
}

// may tells whether a line may be logged now, and how many were not since the last.
func (q *quiet) may(now time.Time, most int) (skipped int, ok bool) {
	if now.Sub(q.from) >= logEvery {
		q.from, q.logged = now, 0
	}
	if q.logged >= most {
		q.skipped++
		return 0, false
	}
	skipped, q.skipped = q.skipped, 0
	q.logged++
	return skipped, true
}

func (h *herald) put(n *notice) {
	select {
	case h.queue <- n:
	default:
		if n.text == "" {
			h.lost.Add(1)
			h.lostTotal.Add(1)
		}
	}
}

func (h *herald) tell(ev Event) { h.put(&notice{event: ev}) }

func (h *herald) info(text string, args ...any) {
	h.put(&notice{text: text, level: slog.LevelInfo, args: args})
}

func (h *herald) warn(text string, args ...any) {
	h.put(&notice{text: text, level: slog.LevelWarn, args: args})
}

// warnRare is warn for what is limited where it was made.
func (h *herald) warnRare(text string, args ...any) {
	h.put(&notice{text: text, level: slog.LevelWarn, args: args, rare: true})
}

// logNotices says once what the sockets had to do without, and what is risky.
func (e *Engine) logNotices() {
	if e.cfg.mayMerge(e.addr.Addr()) {
		e.herald.warn("the cluster has no name of its own: it merges with any other that has none; set Config.Cluster", "member", e.cfg.Name)
	}
	for _, from := range []any{e.reactor.poller, e.conn} {
		for _, line := range batch.Notices(from) {
			e.herald.warn(line, "member", e.cfg.Name)
		}
	}
}
