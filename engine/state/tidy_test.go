package state

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// tidyStore is a store with keys that are written again and again.
type tidyStore struct {
	Store
	o       Origin
	version uint64
}

func newTidyStore() *tidyStore {
	x := new(tidyStore)
	x.Init(Limits{Origins: 2, Keys: 100, ValueBytes: 1 << 20}, 1)
	x.o, _ = x.Add(1, 1, []byte("n"))
	return x
}

func (x *tidyStore) write(n int) {
	for range n {
		x.version++
		x.Apply(x.o, &codec.Entry{Version: x.version, Key: []byte{'a' + byte(x.version%20)}, Value: make([]byte, 64)})
		x.Advance(x.o, x.version, 0)
	}
}

// TestWritesTakeWhatWritesRetired: while keys are written again the cells that were replaced go
// from one to the next and not over their pages, however often Tidy is called; it reclaims what
// nobody took since its last call.
func TestWritesTakeWhatWritesRetired(t *testing.T) {
	x := newTidyStore()
	x.write(1000)
	waiting := func() uint64 { return x.retired.tail - x.retired.head }
	for range 100 {
		x.write(retiredBatch)
		if x.Tidy(256); waiting() < retiredBatch/2 {
			t.Fatalf("%d cells are left for the writes that follow", waiting())
		}
		if x.Untidy() {
			t.Fatal("nobody reads, and much is to be tidied")
		}
	}
	if x.Tidy(256); waiting() != 0 || x.Tidy(256) {
		t.Errorf("%d cells are left where nobody writes", waiting())
	}
}

// TestWhatReadersHoldIsTidiedLater: a reader that stays holds what is replaced meanwhile, and the
// store says so until that is reclaimed.
func TestWhatReadersHoldIsTidiedLater(t *testing.T) {
	x := newTidyStore()
	x.write(100)
	pin := x.epochs.pin(5)
	x.write(1000)
	if !x.Untidy() || !x.Tidy(2000) {
		t.Error("a reader holds cells, and nothing is to be tidied")
	}
	pin.Add(-1)
	for range 3 {
		x.Tidy(2000)
	}
	if x.Untidy() || x.Tidy(1) {
		t.Error("the reader is gone, and cells are still to be tidied")
	}
}
