package engine

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// Reject is what was dropped at the door of one source for one reason.
type Reject struct {
	// Source is where the datagrams say that they come from. It may be forged.
	Source netip.AddrPort
	// Reason is one word, as in Stats.Drops.
	Reason string
	// Count is how many there were since the source came into the table.
	Count uint64
	// SecretID is the secret that the last one named, 0 for none.
	SecretID uint8
	// Last is when the last one came.
	Last time.Time
}

// Rejects tells who sends what this member does not take: datagrams that are no
// frames, of other clusters, under unknown secrets, forged, replayed. The table
// holds some 250 sources; those that keep coming stay in it whatever else is
// thrown at the socket. The most frequent come first. Stats.Drops counts all.
func (e *Engine) Rejects() (list []Reject) {
	e.ask(func(now sched.Instant) {
		wall := time.Now()
		for _, r := range e.core.Parts().Door.AppendRejects(nil) {
			list = append(list, Reject{r.Source, core.Drop(r.Reason).String(), r.Count, r.KeyID, wall.Add(-time.Duration(now - r.Last))})
		}
	})
	slices.SortFunc(list, func(a, b Reject) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), a.Source.Compare(b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// secretUnknown says who seals with a secret that is not held here.
func (e *Engine) secretUnknown(ev *core.Event) {
	_, held := e.core.Parts().Keys.Keys()
	e.herald.put(&notice{
		text: fmt.Sprintf("unknown secret %d from %s (we hold %s)", ev.Key, ev.Addr, secretIDs(held)),
		args: []any{"member", e.cfg.Name}, level: slog.LevelWarn, rare: true,
	})
}

// whyNot is why the answers of a seed may have been dropped. Nil: none came.
func (e *Engine) whyNot(addrs []netip.AddrPort) (why error) {
	for _, r := range e.core.Parts().Door.AppendRejects(nil) {
		if !slices.Contains(addrs, r.Source) {
			continue
		}
		switch core.Drop(r.Reason) {
		case core.DropKey:
			_, held := e.core.Parts().Keys.Keys()
			return &SecretError{ID: r.KeyID, Held: slices.Clone(held[:held.Len()])}
		case core.DropSealed:
			why = ErrNoSecrets
		case core.DropUnsealed:
			why = ErrSealed
		case core.DropCluster:
			why = ErrCluster
		case core.DropMode:
			why = ErrMode
		}
	}
	return why
}
