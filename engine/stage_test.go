package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/state"
)

var plenty = room{Room: state.Room{Keys: 1 << 20, Bytes: 1 << 30, Owned: 1 << 30}}

func newStage(bytes int) *stage {
	s := new(stage)
	s.init(bytes, Version{Gen: 5, Seq: 10})
	s.grant(plenty)
	return s
}

func (s *stage) set(key, value string) (Version, error) {
	v, _, err := s.write(opSet, 0, key, []byte(value))
	return v, err
}

func TestStageGivesConsecutiveVersions(t *testing.T) {
	s := newStage(1 << 14)
	for i := range uint64(50) {
		v, err := s.set(fmt.Sprint("k", i%7), "v")
		if err != nil || v != (Version{5, 11 + i}) {
			t.Fatalf("write %d: %v, %v", i, v, err)
		}
	}
	if s.last() != (Version{5, 60}) {
		t.Errorf("last is %v", s.last())
	}
}

func TestStageSkipsOverwritten(t *testing.T) {
	s := newStage(1 << 14)
	s.set("a", "1")
	s.set("b", "2")
	s.set("a", "3")
	s.write(opDelete, 0, "b", nil)
	if got, want := applied(s, 100), "13:a=3 14:b- "; got != want {
		t.Errorf("applied %q, want %q", got, want)
	}
	if s.begin() {
		t.Error("there is more")
	}
}

// applied plays the loop: one turn of at most n records.
func applied(s *stage, n int) (out string) {
	var r record
	if !s.begin() {
		return ""
	}
	for ; n > 0 && s.next(&r); n-- {
		if r.op == opDelete {
			out += fmt.Sprintf("%d:%s- ", r.version, r.key)
		} else {
			out += fmt.Sprintf("%d:%s=%s ", r.version, r.key, r.value)
		}
	}
	s.finish(plenty)
	return out
}

func TestStageIsBoundedPerTurn(t *testing.T) {
	s := newStage(1 << 14)
	for i := range 5 {
		s.set(fmt.Sprint("k", i), "v")
	}
	got := applied(s, 2)
	s.set("k9", "v") // arrives between the turns
	got += applied(s, 2) + applied(s, 2) + applied(s, 2)
	if want := "11:k0=v 12:k1=v 13:k2=v 14:k3=v 15:k4=v 16:k9=v "; got != want {
		t.Errorf("applied %q, want %q", got, want)
	}
	if n := s.pending.Load(); n != 0 {
		t.Errorf("%d pending", n)
	}
}

func TestStageWakesOnce(t *testing.T) {
	s := newStage(1 << 14)
	for turn := range 3 {
		for i := range 3 {
			if _, wake, _ := s.write(opSet, 0, "k", nil); wake != (i == 0) {
				t.Errorf("turn %d write %d: wake is %v", turn, i, wake)
			}
		}
		applied(s, 100)
	}
}

func TestStageFullIsBackpressure(t *testing.T) {
	s := newStage(1 << 14)
	value := strings.Repeat("x", 700)
	n := 0
	for ; n < 1000; n++ {
		if _, err := s.set("key", value); err != nil {
			if !errors.Is(err, ErrBackpressure) {
				t.Fatal(err)
			}
			break
		}
	}
	if n < 20 || n > 24 || s.rejected.Load() != 1 {
		t.Errorf("%d writes fitted, %d rejected", n, s.rejected.Load())
	}
	last := s.last()
	applied(s, 1)
	if v, err := s.set("key", value); err != nil || v.Seq != last.Seq+1 {
		t.Errorf("after a turn: %v, %v", v, err)
	}
	for i := range 1 << 14 { // small ones fill the index first
		if _, err := s.set(fmt.Sprint(i), ""); err != nil {
			if !errors.Is(err, ErrBackpressure) {
				t.Fatal(err)
			}
			return
		}
	}
	t.Error("the stage never filled")
}

func TestStageRefusesNewKeysWithoutRoom(t *testing.T) {
	s := newStage(1 << 14)
	s.grant(room{Room: state.Room{Keys: 2, Bytes: 1 << 30, Owned: 1 << 30}})
	s.known = func(key string) (held, bool) { return held{100, 100, true}, key == "old" }
	f := func(key string, want error) {
		t.Helper()
		if _, err := s.set(key, "v"); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
	f("a", nil)
	f("b", nil)
	f("c", ErrFull)
	f("a", nil)
	f("old", nil)
	if _, _, err := s.write(opDelete, 0, "a", nil); err != nil {
		t.Errorf("a delete needs no room: %v", err)
	}
}

// TestStageCountsARecordOnce: while the loop takes the stage over in parts, a
// record counts as staged or as stored, never as both.
func TestStageCountsARecordOnce(t *testing.T) {
	s := newStage(1 << 14)
	roomFor := func(keys int) room { return room{Room: state.Room{Keys: keys, Bytes: 1 << 30, Owned: 1 << 30}} }
	s.grant(roomFor(10))
	for i := range 8 {
		if _, err := s.set(fmt.Sprint(i), "v"); err != nil {
			t.Fatal(i, err)
		}
	}
	var r record
	s.begin()
	for range 5 {
		s.next(&r)
	}
	s.again(&r) // four are in the store
	s.finish(roomFor(6))
	for i := range 2 {
		if _, err := s.set(fmt.Sprint("more ", i), "v"); err != nil {
			t.Errorf("of 10 keys the one after %d: %v", 8+i, err)
		}
	}
	if _, err := s.set("too many", "v"); !errors.Is(err, ErrFull) {
		t.Errorf("the eleventh key: %v", err)
	}
	for s.next(&r) {
	}
	s.finish(roomFor(2))
	if _, err := s.set("too many", "v"); !errors.Is(err, ErrFull) {
		t.Errorf("the eleventh key, later: %v", err)
	}
}

func TestStageRefusesNewKeysWithoutBytes(t *testing.T) {
	s := newStage(1 << 14)
	s.grant(room{Room: state.Room{Keys: 1000, Bytes: 3 * state.CellBytes(15, 0), Owned: 1 << 30}})
	n := 0
	for ; n < 1000; n++ {
		if _, err := s.set(fmt.Sprint("key-", n), "0123456789"); err != nil {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d records fitted in 100 bytes", n)
	}
	if _, err := s.set("key-0", "0123456789"); err != nil {
		t.Errorf("a key that is there: %v", err)
	}
}

func TestStageStops(t *testing.T) {
	s := newStage(1 << 14)
	s.set("a", "1")
	s.stop(ErrNameConflict)
	if _, err := s.set("a", "2"); !errors.Is(err, ErrNameConflict) {
		t.Error(err)
	}
	s.resume(ErrNameConflict)
	if _, err := s.set("a", "1"); err != nil {
		t.Error(err)
	}
	s.stop(ErrNameConflict)
	s.stop(ErrClosed)
	s.resume(ErrNameConflict) // closed is closed
	if _, err := s.set("a", "2"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if got := applied(s, 9); got != "12:a=1 " {
		t.Errorf("what was accepted is lost: %q", got)
	}
}

func TestStageRenewKeepsSequence(t *testing.T) {
	s := newStage(1 << 14)
	s.set("a", "1")
	s.renew(9)
	if v, _ := s.set("a", "2"); v != (Version{9, 12}) {
		t.Error(v)
	}
}

// Random writes and turns against a map: what lookup answers and what the loop
// has applied are together always the newest.
func TestStageOverlay(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStage(1 << 14)
	type cell struct {
		value string
		seq   uint64
		dead  bool
	}
	want, store := map[string]cell{}, map[string]cell{}
	var rec record
	for range 20000 {
		key := fmt.Sprint("k", r.IntN(20))
		switch r.IntN(5) {
		case 0, 1:
			value := strings.Repeat("v", r.IntN(9)) + fmt.Sprint(r.IntN(1000))
			if v, err := s.set(key, value); err == nil {
				want[key] = cell{value, v.Seq, false}
			}
		case 2:
			if v, _, err := s.write(opDelete, 0, key, nil); err == nil {
				want[key] = cell{"", v.Seq, true}
			}
		case 3:
			if r.IntN(20) == 0 && s.begin() {
				for n := r.IntN(60); n > 0 && s.next(&rec); n-- {
					store[string(rec.key)] = cell{string(rec.value), rec.version, rec.op == opDelete}
				}
				s.finish(plenty)
			}
		}
		got, have := store[key]
		if out, m, ok, hit := s.lookup(nil, key); hit {
			got, have = cell{string(out), m.Version.Seq, !ok}, true
		}
		if w, ok := want[key]; have != ok || got != w {
			t.Fatalf("%s: got %v %v, want %v %v", key, got, have, w, ok)
		}
	}
}

func TestStageConcurrent(t *testing.T) {
	s := newStage(1 << 16)
	const writers, each = 4, 5000
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			key := fmt.Sprint("w", w)
			for i := 0; i < each; {
				v, err := s.set(key, fmt.Sprint(i))
				if err != nil {
					continue // full: the loop is behind
				}
				out, m, ok, hit := s.lookup(nil, key)
				if hit && (!ok || string(out) != fmt.Sprint(i) || m.Version != v) {
					t.Errorf("%s: read %q %v after writing %d as %v", key, out, m, i, v)
				}
				i++
			}
		})
	}
	stop := make(chan struct{})
	go func() { wg.Wait(); close(stop) }()
	var r record
	last, seen := uint64(10), map[string]string{}
	for done := false; !done; {
		select {
		case <-stop:
			done = true
		default:
		}
		if !s.begin() {
			continue
		}
		for s.next(&r) {
			if r.version <= last {
				t.Fatalf("version %d after %d", r.version, last)
			}
			last = r.version
			seen[string(r.key)] = string(r.value)
		}
		s.finish(plenty)
	}
	if last != 10+writers*each {
		t.Errorf("last version %d", last)
	}
	for w := range writers {
		if got := seen[fmt.Sprint("w", w)]; got != fmt.Sprint(each-1) {
			t.Errorf("writer %d: %q", w, got)
		}
	}
}

func TestStageAllocs(t *testing.T) {
	s := newStage(1 << 16)
	key, value := strings.Repeat("k", 200), make([]byte, 100)
	long := []byte(key)
	dst := make([]byte, 0, 200)
	var r record
	n := testing.AllocsPerRun(1000, func() {
		if _, _, err := s.write(opSet, 0, key, value); err != nil {
			t.Fatal(err)
		}
		s.lookup(dst, key)
		for s.begin() && s.next(&r) {
		}
		s.finish(plenty)
		if err := s.expire(long, s.last().Seq); err != nil {
			t.Fatal(err)
		}
		for s.begin() && s.next(&r) {
		}
		s.finish(plenty)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStageWrite(b *testing.B) {
	s := newStage(1 << 18)
	keys := make([]string, 1024)
	for i := range keys {
		keys[i] = fmt.Sprint("key-", i)
	}
	value := make([]byte, 64)
	b.ReportAllocs()
	i := 0
	var r record
	for b.Loop() {
		if _, _, err := s.write(opSet, 0, keys[i&1023], value); err != nil {
			b.Fatal(err)
		}
		if i++; i&511 == 0 {
			s.begin()
			for s.next(&r) {
			}
			s.finish(plenty)
		}
	}
}
