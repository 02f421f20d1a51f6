package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// ErrUpgrade matches an *UpgradeError: members of an older version could not read the write.
var ErrUpgrade = errors.New("engine: older members could not read this")

// UpgradeError says that some members run a version that does not know what was to be
// written: they would keep it, pass it on, and show nothing. Nothing was written. Once all
// are upgraded and the first such write went through, older ones that come are not waited
// for any more.
type UpgradeError struct {
	What    string   // "a value above EntryBytesMax", "a lease"
	Members []string // up to eight of them
}

// Error names what could not be read, and by whom.
func (e *UpgradeError) Error() string {
	return fmt.Sprintf("engine: %s can't be written yet: upgrade %s", e.What, strings.Join(e.Members, ", "))
}

// Is makes errors.Is(err, ErrUpgrade) true.
func (e *UpgradeError) Is(target error) bool { return target == ErrUpgrade }

// olderMost is how many members an UpgradeError names.
const olderMost = 8

// upgrade is what the members know of kinds of entries. Each says the last kind that it
// knows, in greetings and introductions; later versions add kinds behind it.
type upgrade struct {
	own   codec.Kind    // the last kind that this member knows
	known atomic.Uint32 // and the last that all members do
	used  atomic.Uint32 // the last kind that was written here when all knew it
}

// init takes the last kind that is known here; 0: all.
func (u *upgrade) init(own codec.Kind, cc *core.Config) {
	if u.own = codec.KindFree - 1; own != 0 {
		u.own, cc.Experiment = own, &core.Experiment{Kinds: own}
	}
	u.known.Store(uint32(u.own))
}

// meets takes what happened to a member: it runs on the loop. Where all know the same
// nothing is looked for.
func (u *upgrade) meets(e *Engine, ev *core.Event) {
	p, ok := e.core.Peer(ev.Peer)
	if known := u.known.Load(); known == uint32(u.own) && (!ok || p.Kinds >= u.own) {
		return
	}
	least := u.own
	for h := range e.core.Peers() {
		if p, ok := e.core.Peer(h); ok && !p.Left {
			least = min(least, p.Kinds)
		}
	}
	u.known.Store(uint32(least))
}

// kindNames are the kinds that users write.
var kindNames = map[codec.Kind]string{codec.KindLease: "a lease", codec.KindContent: "a value above EntryBytesMax"}

// mayWrite tells whether entries of a kind may be written: every member that was not
// forgotten and has not left knows it, or did once.
func (e *Engine) mayWrite(k codec.Kind) error {
	u := &e.upgrade
	if uint32(k) <= u.used.Load() {
		return nil
	}
	if uint32(k) <= u.known.Load() {
		for was := u.used.Load(); was < uint32(k) && !u.used.CompareAndSwap(was, uint32(k)); was = u.used.Load() {
		}
		return nil
	}
	e.stage.rejected.Add(1)
	return &UpgradeError{What: kindNames[k], Members: e.older(k)}
}

// older names the members that do not know a kind.
func (e *Engine) older(k codec.Kind) (names []string) {
	e.ask(func(sched.Instant) {
		if k > e.upgrade.own {
			names = append(names, e.cfg.Name)
		}
		for h := range e.core.Peers() {
			if p, ok := e.core.Peer(h); ok && !p.Left && p.Kinds < k && len(names) < olderMost {
				names = append(names, e.nameOf(p.Origin))
			}
		}
	})
	return names
}
