package outbox

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/engine/state"
)

// However often an origin moves, one word of it waits, and the words join on.
func TestAdvancesCoalesce(t *testing.T) {
	var b Outbox[int]
	b.Init(2)
	for o := range state.Origin(4) {
		b.Reset(o)
	}
	told := map[state.Origin]uint64{}
	for step := uint64(1); step < 100; step++ {
		o := state.Origin(1 + step%3)
		b.Moved(o)
		b.Moved(o)
		if step%5 > 0 {
			continue
		}
		for o, ok := b.Next(); ok; o, ok = b.Next() {
			if from := b.Tell(o, step); from != told[o] {
				t.Fatalf("step %d: of %d from %d, and up to %d was told", step, o, from, told[o])
			}
			told[o] = step
		}
	}
	b.Moved(1)
	b.Below(1, 7)
	b.Reset(2)
	if o, _ := b.Next(); o == 1 && b.Tell(o, 99) != 6 {
		t.Error("news below what was told is not told")
	}
	if from := b.Tell(2, 1); from != 0 {
		t.Errorf("a new origin is told of from %d", from)
	}
}

// Origins need no room among the events, and what has no room there is told as lost.
func TestEventsAreBounded(t *testing.T) {
	var b Outbox[int]
	b.Init(2)
	b.Reset(1)
	for i := range 5 {
		b.Push(i)
		b.Moved(1)
	}
	var v int
	for want := range 2 {
		if !b.Pop(&v) || v != want {
			t.Errorf("popped %d, want %d", v, want)
		}
	}
	if _, ok := b.Next(); b.Pop(&v) || !b.Lost() || !ok {
		t.Error("what is lost is not told, or an origin with it")
	}
}

func TestOutboxDoesNotAllocate(t *testing.T) {
	var b Outbox[int]
	b.Init(2)
	b.Reset(1)
	one := func() {
		b.Moved(1)
		b.Push(1)
		o, _ := b.Next()
		b.Tell(o, 1)
		var v int
		b.Pop(&v)
	}
	one()
	if n := testing.AllocsPerRun(1000, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := int(unsafe.Sizeof(origin{}) + unsafe.Sizeof(state.Origin(0))); n != OriginBytes {
		t.Errorf("an origin takes %d bytes", n)
	}
}
