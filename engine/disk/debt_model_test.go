package disk

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestDebtIsOfWhatIsMissing: a version whose content is not on disk is owed, with all after it, until a
// snapshot that shows it has ended well and lacks it no more; and nothing is owed once none is missing.
func TestDebtIsOfWhatIsMissing(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 161))
	for round := range 2000 {
		l := &Log{}
		l.news = sync.NewCond(&l.mu)
		version, cut, under := uint64(0), uint64(0), false
		missing := map[uint64]bool{}
		for range 30 {
			switch rng.IntN(3) {
			case 0:
				for range 1 + rng.IntN(3) {
					if version++; rng.IntN(2) == 0 {
						missing[version] = true
						l.mu.Lock()
						l.owe(version)
						l.mu.Unlock()
					}
				}
			case 1:
				if !under {
					cut, under = version, true
					l.mu.Lock()
					l.debt.begins(cut)
					l.mu.Unlock()
				}
			case 2:
				if under {
					end := snapshotDone{}
					if under = false; rng.IntN(3) == 0 {
						end.err = errors.New("it was not written")
					} else { // it finds content for some, and the rest is missing as before
						for v := range missing {
							if v <= cut && rng.IntN(2) == 0 {
								delete(missing, v)
							}
						}
						for v := range missing {
							if v <= cut {
								end.owed = first(end.owed, v)
							}
						}
					}
					l.pays(&end)
				}
			}
			least := uint64(0)
			for v := range missing {
				least = first(least, v)
			}
			for v := range version + 1 {
				if missing[v] && !l.owes(v) {
					t.Fatalf("round %d: %d is missing and is not owed: from %d", round, v, l.debt.from)
				}
			}
			if l.owes(version) != (least > 0) && !under {
				t.Fatalf("round %d: owed from %d, missing from %d of %d", round, l.debt.from, least, version)
			}
		}
	}
}

// TestContentsOnTheirWayStay: no sweep removes a content that was put, before a record refers to it, nor
// while that record is newer than what the sweep looked at; each of several that put the same one counts.
func TestContentsOnTheirWayStay(t *testing.T) {
	dir := newMemory()
	l, _, err := Open(Options{FS: dir, Cluster: "c", Name: "n", Sync: SyncNever})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(false, 0)
	s := sum{7}
	sweep := func(version uint64, stays bool) {
		t.Helper()
		l.values.sweep(dir, map[sum]bool{}, version)
		if there := dir.files[valueName(&s)] != nil; there != stays || l.isHere(&s) != stays {
			t.Errorf("swept at %d: the file is there %v, and held for so %v, want %v", version, there, l.isHere(&s), stays)
		}
	}
	put := func() {
		t.Helper()
		if err := l.PutValue(&s, []byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	put()
	sweep(0, true)
	sweep(100, true)
	put()
	l.Placed(&s, 5)
	sweep(100, true) // the other has no record yet
	l.Placed(&s, 3)
	sweep(4, true)
	sweep(5, false)
	put()
	sweep(100, true)
	l.Placed(&s, 0) // its write was refused
	sweep(6, false)
}

// TestALogThatCouldNotBeginIsNone: whichever call fails while the first log of a life begins, what is
// kept of logs is what it was, and stands for the files that are there; the next try counts one more.
func TestALogThatCouldNotBeginIsNone(t *testing.T) {
	for fails := 1; ; fails++ {
		dir := newMemory()
		l, _, err := Open(Options{FS: dir, Cluster: "c", Name: "n", Sync: SyncInterval})
		if err != nil {
			t.Fatal(err)
		}
		calls, broken := 0, ""
		dir.fault = func(call, name string) error {
			if calls++; calls == fails && call != "remove" {
				broken = call
				return errors.New("broken")
			}
			return nil
		}
		names, logs := slices.Clone(l.names), l.logs
		err = l.beginLog(nil)
		dir.fault = nil
		if broken == "" {
			if calls < fails {
				l.file.Close()
				l.Close(false, 0)
				return
			}
			continue
		}
		if err == nil {
			t.Fatalf("call %d, %s, fails, and nobody is told", fails, broken)
		}
		if !slices.Equal(l.names, names) || l.logs != logs || l.file != nil {
			t.Errorf("call %d, %s, fails: %d logs of %q, before %d of %q", fails, broken, l.logs, l.names, logs, names)
		}
		if err := l.beginLog(nil); err != nil {
			t.Fatal(err)
		}
		var there []string
		for name := range dir.files {
			if strings.HasSuffix(name, logEnd) {
				there = append(there, name)
			}
		}
		if l.logs != logs+1 || len(there) != 1 || !slices.Equal(l.names, there) {
			t.Errorf("after call %d, %s, failed: %d logs, %q, the files are %q", fails, broken, l.logs, l.names, there)
		}
		l.file.Close()
		l.Close(false, 0)
	}
}
