package engine

import (
	"fmt"
	"testing"
)

// TestWatchQueueIsBounded: changes that come faster than watchers can be told are not kept; then
// all look at everything, once, and go on with what comes after.
func TestWatchQueueIsBounded(t *testing.T) {
	var l watchList
	l.queue.front, l.queue.spare, l.queue.turn, l.queue.signal = &newsList{}, &newsList{}, &newsList{}, make(chan struct{}, 1)
	l.queue.started.Store(true) // and no goroutine
	exact, other := newWatcher(scope{key: "k"}), newWatcher(scope{key: "other"})
	l.add(exact, 2)
	l.add(other, 2)
	for i := range 3 * placesMax {
		if l.sharedChanged(fmt.Append(nil, "any", i)); i < placesMax && i%100 == 0 {
			l.post() // some turns are short, the last one is long
		}
	}
	if n := len(l.queue.turn.list); n > placesMax {
		t.Errorf("%d changes are kept of one turn", n)
	}
	l.post()
	if n := len(l.queue.front.list); n > placesMax {
		t.Errorf("%d changes are kept", n)
	}
	l.passOn()
	for _, w := range []*watcher{exact, other} {
		<-w.signal
		if places, full := l.take(w, nil); !full || len(places) > 0 {
			t.Errorf("%v, full %v: it does not look at everything", places, full)
		}
	}
	for i := range placesMax { // round the list once
		if l.sharedChanged([]byte("k")); i%1000 == 0 {
			l.post()
			l.passOn()
		}
	}
	l.post()
	l.passOn()
	if places, full := l.take(exact, nil); full || len(places) != 1 || places[0].key != "k" {
		t.Errorf("%v, full %v", places, full)
	}
	if places, full := l.take(other, nil); full || len(places) > 0 {
		t.Errorf("%v, full %v: what nobody told", places, full)
	}
}

// TestWatchesTellInOrder: places come in the order of their last changes, whatever their names.
func TestWatchesTellInOrder(t *testing.T) {
	var l watchList
	w := newWatcher(scope{prefix: "k"})
	l.add(w, 1)
	for _, key := range []string{"k3", "k1", "k2", "k1"} {
		l.sharedChanged([]byte(key))
	}
	places, _ := l.take(w, nil)
	if got := fmt.Sprint(places); got != "[{ k3} { k2} { k1}]" {
		t.Error(got)
	}
}

// TestWatchQueueAllocatesNothing: the loop says what has changed without memory, however many
// watch.
func TestWatchQueueAllocatesNothing(t *testing.T) {
	var l watchList
	done := make(chan struct{})
	defer close(done)
	l.start(done)
	for i := range 100 {
		l.add(newWatcher(scope{key: fmt.Sprint("other", i)}), 100)
	}
	key := []byte("some key that nobody watches")
	if n := testing.AllocsPerRun(1000, func() { l.sharedChanged(key); l.post() }); n != 0 {
		t.Error(n, "allocations")
	}
}
