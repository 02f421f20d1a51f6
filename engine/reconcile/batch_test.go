package reconcile

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// batches is a store with entries of many sizes, in batches: of an honest owner, or of one that
// says two ends of them.
func batches(t *testing.T, r *sched.Rand, honest bool) (*state.Store, state.Origin) {
	t.Helper()
	s := new(state.Store)
	s.Init(state.Limits{Origins: 4, Keys: 1000, ValueBytes: 1 << 20}, 1)
	o, _ := s.Add(7, 7, []byte("owner"))
	end := uint64(0)
	for v := uint64(1); v <= 60; v++ {
		if v > end && r.Uint32n(2) == 0 {
			end = v + 1 + uint64(r.Uint32n(5))
		}
		e := codec.Entry{Version: v, Key: fmt.Append(nil, "key-", v), Value: make([]byte, r.Uint32n(160))}
		if end = min(end, 60); end > v {
			e.Rest = uint8(end - v)
		}
		if !honest && r.Uint32n(3) == 0 {
			e.Rest = uint8(r.Uint32n(6))
		}
		if e.Rest > 0 {
			e.Flags = codec.EntryMore
		}
		if st := s.Apply(o, &e); st != state.OK {
			t.Fatal(st)
		}
	}
	s.Advance(o, 60, 0)
	return s, o
}

// TestBatchesHaveOneEnd: whatever an owner says of its batches, runs and parts of its log can be
// made of it, and read.
func TestBatchesHaveOneEnd(t *testing.T) {
	for seed := range uint64(200) {
		var r sched.Rand
		r.Seed(seed)
		s, o := batches(t, &r, seed%2 == 0)
		var f Filler
		f.Init(s, nil, 1)
		read := func(out []byte) (n int) {
			t.Helper()
			var run codec.Run
			_, body, _ := codec.NextRecord(out)
			if err := codec.ParseRun(body, &run); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			return run.Count
		}
		limit, told := 200+int(r.Uint32n(1200)), 0
		for from := uint64(1); from < s.Max(o); {
			out, to, n := f.Run(nil, limit, o, from)
			if out == nil {
				limit += 200
				continue
			}
			read(out)
			from, told = to, told+n
		}
		part := codec.IntervalPull{From: uint64(r.Uint32n(60))}
		part.To = part.From + 1 + uint64(r.Uint32n(6))
		for limit = 200; ; limit += 200 {
			out, end, _ := f.Part(nil, limit, o, &part)
			if len(out) > 0 {
				read(out)
			}
			if end >= part.To {
				break
			}
		}
		if told < 59 {
			t.Errorf("seed %d: runs of %d entries", seed, told)
		}
	}
}
