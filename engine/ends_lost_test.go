package engine

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// TestWhatEndsWithoutTheNameIsDeletedOnceItIsBack: what ends while another process has the name, or
// when its end is staged as the name is lost, can't be deleted then; soon after the name is back it
// is, and a write that was refused instead leaves nothing that stays.
func TestWhatEndsWithoutTheNameIsDeletedOnceItIsBack(t *testing.T) {
	const keys, life = 300, 200 * time.Millisecond
	for _, staged := range []bool{false, true} {
		for _, written := range []bool{false, true} {
			t.Run(fmt.Sprintf("staged %v, written again %v", staged, written), func(t *testing.T) {
				aloneInMemory(t, func(t *testing.T, e *Engine) {
					l, err := e.Grant(life)
					if err != nil {
						t.Fatal(err)
					}
					for i := range keys {
						_, err := l.Set(fmt.Sprint("leased-", i), nil)
						_, err2 := e.SetTTL(fmt.Sprint("ttl-", i), nil, life)
						if err = errors.Join(err, err2); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(life / 2)
					name := func(lost bool) {
						e.ask(func(now sched.Instant) {
							e.core.Parts().Self.Silenced = lost
							if lost {
								e.named(now, &core.Event{Kind: core.Superseded})
							} else {
								e.named(now, &core.Event{Kind: core.Restored})
							}
						})
					}
					if staged {
						e.ask(func(now sched.Instant) { e.retryAt = now.After(sched.Instant(2 * life)) })
					}
					if written {
						for i := range keys {
							if _, err := e.Set(fmt.Sprint([]string{"leased-", "ttl-"}[i%2], i), nil); err != nil {
								t.Fatal(err)
							}
						}
						e.ask(func(sched.Instant) { e.core.Parts().Self.Silenced = true })
					}
					if staged {
						time.Sleep(life) // they end
					}
					name(true)
					time.Sleep(time.Minute)
					name(false)
					time.Sleep(3 * time.Second)
					held := map[string]int{}
					e.ask(func(sched.Instant) {
						for i := range keys {
							for _, kind := range []string{"leased-", "ttl-"} {
								if e.store.Get(e.store.Owner(), fmt.Append(nil, kind, i), &e.entry) && e.entry.Flags&codec.EntryTombstone == 0 &&
									e.entry.Flags&(codec.EntryTTL|codec.EntryLeased) != 0 {
									held[kind]++
								}
							}
						}
					})
					if len(held) > 0 {
						t.Errorf("3 s after the name is back it holds keys that have ended: %v", held)
					}
				})
			})
		}
	}
}
