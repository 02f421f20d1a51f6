package space

import (
	"fmt"
	"hash/maphash"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

func add(l *Log, n, bytes int) {
	for range n {
		l.add(&engine.Update{Member: "a", Key: "k", Value: make([]byte, bytes)}, time.Unix(int64(l.Newest()), 0), false)
	}
}

// Who comes back soon gets every change once, in order; who comes back late is told that some are
// gone.
func TestLogKeepsTheLast(t *testing.T) {
	l := newLog()
	f := func(after uint64, want int, whole bool) {
		t.Helper()
		list, ok, _, _ := l.After(after, nil, LogMax)
		for i := range list {
			if list[i].Seq != after+uint64(i)+1 {
				t.Fatalf("change %d after %d", list[i].Seq, after)
			}
		}
		if len(list) != want || ok != whole {
			t.Errorf("after %d: %d changes, whole %v; want %d, %v", after, len(list), ok, want, whole)
		}
	}
	f(0, 0, true)
	add(l, 100, 10)
	f(0, 100, true)
	f(60, 40, true)
	f(101, 0, false)
	add(l, LogMax, 10)
	f(99, 0, false)
	f(100, LogMax, true)
	add(l, 40, 1<<20) // more than LogBytesMax together
	f(100, 0, false)
	f(l.Newest()-32, 32, true)
	if l.bytes > LogBytesMax {
		t.Errorf("%d bytes are kept", l.bytes)
	}
	add(l, LogMax, 10)
	f(l.Newest()-LogMax, LogMax, true)
	if l.bytes != 10*LogMax {
		t.Errorf("%d bytes are counted for %d", l.bytes, 10*LogMax)
	}
}

// A cursor lists each key that stays exactly once, whatever comes and goes meanwhile.
func TestScanIsWhole(t *testing.T) {
	s := &Space{log: newLog(), index: newIndex(maphash.MakeSeed())}
	note := func(key string, deleted bool) {
		s.index.note(&engine.Update{Member: "a", Key: key, Deleted: deleted}, "", time.Time{})
	}
	for i := range 5000 {
		note(fmt.Sprint("stays", i), false)
	}
	seen, cursor := map[string]int{}, uint64(0)
	for round := 0; ; round++ {
		names, next := s.Scan(cursor, 37)
		for _, n := range names {
			seen[n.Key]++
		}
		if cursor = next; cursor == 0 {
			break
		}
		note(fmt.Sprint("comes", round), false)
		note(fmt.Sprint("comes", round-1), true)
	}
	for i := range 5000 {
		if n := seen[fmt.Sprint("stays", i)]; n != 1 {
			t.Fatalf("stays%d was listed %d times", i, n)
		}
	}
	s.index.forget("a")
	if s.Len() != 0 {
		t.Errorf("%d keys of a forgotten member", s.Len())
	}
}
