package space

import (
	"hash/maphash"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// A life that was over before anybody looked leaves no name behind: nobody tells its end. One that
// was made longer, or is a lease's, stays; and what a key that is written again and again takes is
// bounded.
func TestShortLivesLeaveNoName(t *testing.T) {
	s := &Space{log: newLog(), index: newIndex(maphash.MakeSeed())}
	then := time.Now().Add(-10 * time.Second)
	seq := uint64(0)
	note := func(key string, ttl time.Duration, lease uint32) {
		seq++
		s.index.note(&engine.Update{Member: "a", Key: key, Meta: engine.Meta{Version: engine.Version{Gen: 1, Seq: seq}, TTL: ttl, Lease: lease}}, "", then)
	}
	note("short", time.Millisecond, 0)
	note("longer", time.Millisecond, 0)
	note("longer", time.Hour, 0)
	note("for ever", time.Millisecond, 0)
	note("for ever", 0, 0)
	note("lease", time.Millisecond, 7)
	for range 10_000 {
		note("again", time.Hour, 0)
	}
	if n := len(s.index.dues.next); n > 100 {
		t.Errorf("%d ends are kept for 3 keys", n)
	}
	names, _ := s.Scan(0, 10)
	seen := map[string]bool{}
	for _, n := range names {
		seen[n.Key] = true
	}
	if len(names) != 4 || s.Len() != 4 || seen["short"] || s.Ending() != 2 {
		t.Errorf("%v, %d keys, %d end", seen, s.Len(), s.Ending())
	}
}

// What is told late is no news against what was written here since.
func TestOwnWritesGoBeforeWhatIsToldLate(t *testing.T) {
	s := &Space{log: newLog(), index: newIndex(maphash.MakeSeed())}
	note := func(seq uint64, deleted bool) {
		s.index.note(&engine.Update{Member: "a", Key: "k", Deleted: deleted, Meta: engine.Meta{Version: engine.Version{Gen: 1, Seq: seq}}}, "", time.Now())
	}
	note(3, false)
	note(2, true)
	note(1, false)
	if a, ok := s.Learned("a", "k"); !ok || a.Version.Seq != 3 {
		t.Errorf("%+v, %v", a, ok)
	}
	note(4, true)
	if s.Len() != 0 {
		t.Error("it was deleted")
	}
}
