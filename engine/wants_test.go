package engine

import (
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/content"
)

// TestRoundsGoOverAllMembers: each round of looking for a content begins with nobody tried, behind
// those that the last one looked at, so that in the end all are looked at.
func TestRoundsGoOverAllMembers(t *testing.T) {
	const members = 5*looksMax + 3
	var s wants
	s.init(0)
	s.seek(1, 0)
	w := s.all[1]
	looked := map[uint32]bool{}
	for round := range 7 {
		if w.looked != 0 || w.strangers != 0 || len(w.tried) != 0 {
			t.Fatalf("round %d begins with %d looked at, %d asked, %d tried", round, w.looked, w.strangers, len(w.tried))
		}
		for w.looked < looksMax {
			looked[(w.start+w.looked)%members] = true
			w.looked++
		}
		w.strangers = strangersMax
		s.retry(1, w, 7)
		s.pause(0, 1, w)
	}
	if len(looked) != members {
		t.Errorf("%d of %d members were looked at", len(looked), members)
	}
}

// TestWhoWaitsHearsOfEachEnd: whatever ends a stream has a look at all that waited for it, or for a
// place for another.
func TestWhoWaitsHearsOfEachEnd(t *testing.T) {
	for cause := batch.StreamEnded; cause <= batch.StreamRotated; cause++ {
		var l links
		var s wants
		l.init()
		s.init(0)
		k := l.opened(1, 5, 9)
		for h := range content.Handle(4) {
			s.seek(h+1, 0)
			s.pop(1)
			if h < 2 {
				k.wait(h+1, s.all[h+1])
			} else {
				l.lobby.wait(h+1, s.all[h+1])
			}
		}
		l.down(1, k, cause)
		seen := 0
		for _, w := s.popWaiting(&l); w != nil; _, w = s.popWaiting(&l) {
			seen++
		}
		if seen != 4 {
			t.Errorf("a stream ended (%v), and %d of 4 that waited are looked at", cause, seen)
		}
	}
}

// TestABrokenStreamHoldsNothing: contents that were on their way when a stream broke are held no
// more, and may go.
func TestABrokenStreamHoldsNothing(t *testing.T) {
	e := new(Engine)
	l := &e.large
	l.table.Init(content.Limits{Bytes: 1000, Each: 100}, 1, func([]byte) {})
	l.links.init()
	l.wants.init(0)
	var held []content.Handle
	k := newLink(5)
	l.links.byID[5] = k
	for i := range uint32(3) {
		sum := content.Sum{byte(i + 1)}
		if !l.table.Add(&sum, make([]byte, 10), 0, 1) {
			t.Fatal("no room")
		}
		h := l.table.Having(&sum)
		l.table.Hold(h)
		k.sending[i] = h
		held = append(held, h)
	}
	e.broken(1, k, &batch.StreamEvent{Kind: batch.StreamDown, Stream: 5, Cause: batch.StreamBroken})
	for _, h := range held {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("content %d is held still", h)
				}
			}()
			l.table.Drop(h)
		}()
	}
}
