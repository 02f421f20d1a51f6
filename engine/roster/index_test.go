package roster

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// An index is a map, whatever is put in and taken out in which order.
func TestIndexIsAMap(t *testing.T) {
	const seed = 1
	t.Logf("seed %d", seed)
	rand := new(sched.Rand)
	rand.Seed(seed)
	var x Index
	x.Init()
	want := map[codec.OriginID]uint32{}
	for i := range uint32(20_000) {
		id := codec.OriginID(1 + rand.Uint32n(64)*uint32(1+rand.Uint32n(3))) // they collide
		if rand.Uint32n(3) > 0 {
			x.Put(id, i+1)
			want[id] = i + 1
		} else {
			x.Remove(id)
			delete(want, id)
		}
		if got := x.Find(id); got != want[id] {
			t.Fatalf("step %d: %d for id %d, want %d", i, got, id, want[id])
		}
	}
	for id := range codec.OriginID(256) {
		if id != 0 && x.Find(id) != want[id] {
			t.Errorf("%d for id %d, want %d", x.Find(id), id, want[id])
		}
	}
}
