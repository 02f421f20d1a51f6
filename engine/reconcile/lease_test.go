package reconcile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// TestRunsHintAtLeases: however runs are cut, and through however many replicas they come, a key
// that lives by a lease is readable as soon as it is here, with what that has left, though a
// renewal comes later in the log than the key; and once the lease has ended, or was deleted, nobody
// shows it.
func TestRunsHintAtLeases(t *testing.T) {
	const ttl, second = 60_000, int64(time.Second)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	line := make([]*state.Store, 4)
	var origins [4]state.Origin
	for i := range line {
		line[i] = new(state.Store)
		line[i].Init(state.Limits{Origins: 4, Keys: 1000, ValueBytes: 1 << 20}, uint64(i))
		origins[i], _ = line[i].Add(7, 7, []byte("owner"))
	}
	now, version, leaseAt := second, uint64(0), int64(0)
	write := func(e codec.Entry) {
		version++
		e.Version = version
		if st := line[0].Apply(origins[0], &e); st != state.OK {
			t.Fatal(st)
		}
		line[0].Advance(origins[0], version, 0)
	}
	tell := func(by int64) {
		now += by
		for _, s := range line {
			s.Tell(now)
		}
	}
	leaseKey := codec.AppendLeaseKey(nil, 3)
	renew := func() {
		write(codec.Entry{Key: leaseKey, Flags: codec.EntryKinded | codec.EntryTTL, Kind: codec.KindLease, TTL: ttl})
		leaseAt = now
	}
	tell(0)
	renew()
	hinted := 0
	pass := func() { // each asks the one before it for one run
		for i := 1; i < len(line); i++ {
			var f Filler
			f.Init(line[i-1], nil, 1)
			out, _, _ := f.Run(nil, 200+rng.IntN(400), origins[i-1], line[i].Max(origins[i]))
			if out == nil {
				continue
			}
			var r codec.Run
			var it codec.RunIter
			_, body, _ := codec.NextRecord(out)
			if err := codec.ParseRun(body, &r); err != nil {
				t.Fatal(err)
			}
			if a := line[i].ApplyRun(origins[i], &r, &it); a.Status != state.OK {
				t.Fatalf("seed %d: %v", seed, a.Status)
			}
		}
	}
	check := func(lives bool) {
		t.Helper()
		for i, s := range line {
			var l codec.Entry
			here := s.Lease(origins[i], 3, &l) && l.Flags&codec.EntryTombstone == 0
			s.Range([]byte("owner"), func(key, _ []byte, m state.Meta) bool {
				if codec.Reserved(key) {
					return true
				}
				if !here {
					hinted++
				}
				left := m.Born + int64(m.TTL)*int64(time.Millisecond) - now
				if want := leaseAt + ttl*int64(time.Millisecond) - now; lives && (left <= 0 || left > want) || !lives && left > 0 {
					t.Fatalf("seed %d: replica %d has %q with %v left, its lease here: %v; lives: %v, for %v", seed, i, key, time.Duration(left), here, lives, time.Duration(want))
				}
				return true
			})
		}
	}
	for i := range 300 {
		write(codec.Entry{Key: fmt.Append(nil, "key-", i), Value: make([]byte, rng.IntN(60)), Flags: codec.EntryLeased, Lease: 3})
		if tell(rng.Int64N(second / 10)); rng.IntN(5) == 0 {
			renew()
		}
		if i > 100 && rng.IntN(4) == 0 { // they come when there is much already
			pass()
			check(true)
		}
	}
	if hinted == 0 {
		t.Error("no key ever was here before its lease")
	}
	level := func() {
		for line[3].Max(origins[3]) < version {
			pass()
		}
	}
	level()
	for i, s := range line {
		if a, b := line[0].Stats(), s.Stats(); a.CellBytes != b.CellBytes {
			t.Errorf("replica %d holds %d bytes, its owner %d", i, b.CellBytes, a.CellBytes)
		}
	}
	check(true)
	write(codec.Entry{Key: leaseKey, Flags: codec.EntryTombstone})
	level()
	check(false)
	renew()
	tell(ttl * int64(time.Millisecond))
	pass()
	check(false)
}
