package engine

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// TestKeysOfALeaseEndThoughTheStageIsFull: what ends with a lease is deleted a few keys at a time,
// through the stage as all writes are. Where that is full a key is put off and not passed over: once
// there is room each is deleted, and no other.
func TestKeysOfALeaseEndThoughTheStageIsFull(t *testing.T) {
	const leased, others = 300, 50
	store := new(state.Store)
	store.Init(state.Limits{Origins: 2, Keys: 1000, ValueBytes: 1 << 20}, 1)
	o, _ := store.Add(7, 1, []byte("own"))
	store.SetOwner(o)
	for v := uint64(1); v <= leased+others; v++ {
		x := codec.Entry{Version: v, Key: fmt.Append(nil, "plain-", v), Value: []byte("value")}
		if v%7 != 0 {
			x.Key, x.Flags, x.Lease = fmt.Append(nil, "leased-", v), codec.EntryLeased, 3
		}
		if st := store.Apply(o, &x); st != state.OK {
			t.Fatal(st)
		}
	}
	store.Advance(o, leased+others, 0)
	e := &Engine{store: store}
	e.stage.init(1<<10, Version{Gen: 5, Seq: 1000})
	e.stage.grant(plenty)
	e.leases.ended.Store(true)
	deleted, full := map[string]int{}, 0
	now := sched.Instant(0)
	for turn := 0; turn < 1000; turn++ {
		now += 10 * sched.Millisecond
		for i := 0; turn%3 != 0; i++ { // writers fill it, in most turns
			if _, err := e.stage.set(fmt.Sprint("filler-", turn, "-", i), "value"); err != nil {
				full++
				break
			}
		}
		more := e.endLeased(now)
		var r record
		if e.stage.begin() {
			for e.stage.next(&r) {
				if r.op == opDelete {
					deleted[string(r.key)]++
					store.Apply(o, &codec.Entry{Version: 1000 + r.version, Key: r.key, Flags: codec.EntryTombstone})
				}
			}
			e.stage.finish(plenty)
		}
		if !more && e.leases.next() == sched.Never {
			break
		}
	}
	if full == 0 {
		t.Fatal("it was never full")
	}
	for v := 1; v <= leased+others; v++ {
		want := 1
		if v%7 == 0 {
			want = 0
		}
		if n := deleted[fmt.Sprint("leased-", v)] + deleted[fmt.Sprint("plain-", v)]; n != want {
			t.Fatalf("the key of version %d was deleted %d times, want %d; %d were deleted", v, n, want, len(deleted))
		}
	}
}
