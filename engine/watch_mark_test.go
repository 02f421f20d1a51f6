package engine

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// The change is noted before the signal: who is woken finds it.
func TestWatchMarksBeforeItSignals(t *testing.T) {
	var l watchList
	w := newWatcher(scope{key: "k"})
	l.add(w, 1)
	go l.sharedChanged([]byte("k"))
	<-w.signal
	if places, full := l.take(w, nil); len(places) != 1 || full {
		t.Error("signalled before the change was noted")
	}
}

// A watcher that was asleep for more changes than are kept looks at everything, and one that was
// not sees each place once.
func TestWatchNotesAreBounded(t *testing.T) {
	const keys = 2 * nearMax
	var l watchList
	w, sleeper := newWatcher(scope{prefix: "k"}), newWatcher(scope{prefix: "k"})
	l.add(w, 2)
	l.add(sleeper, 2)
	for i := range 2 * placesMax {
		l.sharedChanged(fmt.Append(nil, "k", i%keys))
		if i%100 == 99 {
			if places, full := l.take(w, nil); len(places) != keys || full {
				t.Fatal(places, full)
			}
		}
	}
	if _, full := l.take(sleeper, nil); !full || len(l.places) != placesMax {
		t.Error("not full", len(l.places))
	}
	if places, full := l.take(sleeper, nil); full || len(places) > 0 {
		t.Error("full again")
	}
}

// TestWatchersOfLittleAreNotOvertaken: whoever wants few keys knows them however much has changed
// besides, and in the order of their last changes; so does whoever wants one member.
func TestWatchersOfLittleAreNotOvertaken(t *testing.T) {
	var l watchList
	exact, few, other := newWatcher(scope{key: "k0"}), newWatcher(scope{prefix: "k"}), newWatcher(scope{member: "b"})
	for _, w := range []*watcher{exact, few, other, newWatcher(scope{})} {
		l.add(w, 4)
	}
	for i := range 3 * placesMax {
		l.say(tellKey, "a", fmt.Append(nil, "any", i))
		if i%1000 < nearMax {
			l.say(tellKey, "a", fmt.Append(nil, "k", i%1000))
		}
	}
	l.say(tellMember, "b", nil)
	l.say(tellMember, "c", nil)
	for _, c := range []struct {
		w    *watcher
		want string
	}{
		{exact, "[{a k0} {b } {c }]"},
		{other, "[{b }]"},
	} {
		if places, full := l.take(c.w, nil); full || fmt.Sprint(places) != c.want {
			t.Errorf("%v, full %v, and not %s", places, full, c.want)
		}
	}
	if _, full := l.take(few, nil); !full {
		t.Errorf("%d places and two members are more than fit", nearMax)
	}
}

// Whatever the length of an advance, a watched key anywhere in it marks.
func TestWatchScansAllOfAnAdvance(t *testing.T) {
	for _, n := range []int{1, 2, scanMax - 1, scanMax, scanMax + 1, 3 * scanMax} {
		for _, at := range []int{1, 2, n / 2, n - 1, n} {
			if at < 1 || at > n {
				continue
			}
			var s state.Store
			s.Init(state.Limits{Origins: 4, Keys: 1 << 17, ValueBytes: 16 << 20}, 1)
			o, _ := s.Add(1, 1, []byte("a"))
			for v := 1; v <= n; v++ {
				key := fmt.Sprint("other", v)
				if v == at {
					key = "k"
				}
				s.Apply(o, &codec.Entry{Version: uint64(v), Key: []byte(key)})
			}
			s.Advance(o, uint64(n), 0)
			var l watchList
			w := newWatcher(scope{key: "k"})
			l.add(w, 1)
			l.advanced(&s, o, "a", 0, uint64(n))
			if places, full := l.take(w, nil); len(places) != 1 || full {
				t.Errorf("advance of %d versions, the watched key at %d: not marked", n, at)
			}
		}
	}
}

// A key whose newer write waits anywhere in the stage does not end.
func TestExpiryAsksBothBuffers(t *testing.T) {
	var s stage
	s.init(1<<16, Version{Gen: 1})
	s.grant(plenty)
	s.write(opSet, 0, "k", []byte("newer"))
	s.begin() // it is in the buffer that is being drained, and not applied yet
	before := s.last()
	if err := s.expire([]byte("k"), 0); err != nil || s.last() != before {
		t.Errorf("the end of an older entry was staged behind a newer write: %v, %v -> %v", err, before, s.last())
	}
}

// BenchmarkWatchDispatch is what a write costs the loop for its watchers: 10,000 that want a key, a
// prefix or a member, and look at nothing.
func BenchmarkWatchDispatch(b *testing.B) {
	for _, n := range []int{0, 1, 10_000} {
		b.Run(fmt.Sprint(n, " watchers"), func(b *testing.B) {
			var s state.Store
			s.Init(state.Limits{Origins: 200, Keys: 1 << 17, ValueBytes: 16 << 20}, 1)
			var l watchList
			for i := range n {
				sc := scope{key: fmt.Sprint("key/", i)}
				switch i % 3 {
				case 1:
					sc = scope{prefix: fmt.Sprintf("key/%d", i)}
				case 2:
					sc = scope{member: fmt.Sprint("node-", i%100)}
				}
				l.add(newWatcher(sc), n)
			}
			names, origins := make([]string, 100), make([]state.Origin, 100)
			for i := range names {
				names[i] = fmt.Sprint("node-", i)
				origins[i], _ = s.Add(codec.OriginID(i+1), 1, []byte(names[i]))
			}
			keys := make([][]byte, 10_000)
			for i := range keys {
				keys[i] = fmt.Append(nil, "key/", i)
			}
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				o, v := origins[i%100], i/100+1
				s.Apply(o, &codec.Entry{Version: v, Key: keys[i*7919%10_000]})
				s.Advance(o, v, 0)
				if n > 0 {
					l.advanced(&s, o, names[i%100], v-1, v)
				}
			}
		})
	}
}

// TestWatchersLeaveNothing: however many keys, prefixes and members were watched, a list that nobody
// watches by any more keeps none of them.
func TestWatchersLeaveNothing(t *testing.T) {
	var l watchList
	for _, s := range []scope{{}, {coarse: true}, {key: "k"}, {key: "k", member: "a"}, {prefix: "long"}, {member: "a"}, {prefix: "p", member: "a"}} {
		var all []*watcher
		for range 3 {
			w := newWatcher(s)
			l.add(w, 3)
			all = append(all, w)
		}
		for _, w := range all {
			l.remove(w)
		}
		if n := len(l.every) + len(l.coarse) + len(l.whole) + len(l.byKey) + len(l.byPrefix) + len(l.byMember) + l.longest; n != 0 || l.count.Load() != 0 {
			t.Errorf("after watchers of %+v: %d are left, of %+v", s, n, &l)
		}
	}
}
