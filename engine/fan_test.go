package engine

import "testing"

// TestALossOfAReaderIsToldInItsPlace: what was there before a loss comes before it, and nothing that came after it does.
func TestALossOfAReaderIsToldInItsPlace(t *testing.T) {
	var f fan[int]
	r := newReader[int]()
	f.add(r)
	for i := range 2 * readerQueue {
		f.pass(&i)
	}
	for i := range readerQueue / 2 {
		if got := <-r.queue; got != i {
			t.Fatalf("%d, want %d", got, i)
		}
	}
	late := 1 << 20
	f.pass(&late)
	for n := len(r.queue); n > 0; n-- {
		if got := <-r.queue; got == late {
			t.Error("what came after the loss is told before it")
		}
	}
	if !r.lost.Swap(false) {
		t.Error("the loss is not told")
	}
	f.pass(&late)
	if len(r.queue) != 1 || r.lost.Load() {
		t.Error("after the loss was told nothing goes on")
	}
	f.fail(&late)
	for len(r.queue) > 0 {
		<-r.queue
	}
	if !r.lost.Load() {
		t.Error("a failure is not told")
	}
	if f.pass(&late); len(r.queue) != 1 { // as where it looked before the loss was noted
		t.Error("who waits with a loss that it did not see is woken by nothing")
	}
}
