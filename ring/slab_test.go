package ring

import (
	"runtime"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func TestSlabAgainstSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const count, size = 5, 8
		var s Slab
		s.Init(count, size)
		owned := map[Handle]byte{} // handle -> what its owner wrote
		t.Repeat(map[string]func(*rapid.T){
			"get": func(t *rapid.T) {
				h, ok := s.Get()
				if ok != (len(owned) < count) {
					t.Fatalf("Get ok = %v with %d of %d taken", ok, len(owned), count)
				}
				if !ok {
					return
				}
				if _, twice := owned[h]; twice || h == 0 || h > count {
					t.Fatalf("Get = %d", h)
				}
				mark := rapid.Byte().Draw(t, "mark")
				b := s.Bytes(h)
				for i := range b {
					b[i] = mark
				}
				owned[h] = mark
			},
			"put": func(t *rapid.T) {
				for h := range Handle(count + 1) {
					if _, ok := owned[h]; ok {
						if rapid.Bool().Draw(t, "by the other side") {
							s.GiveBack(h)
						} else {
							s.Put(h)
						}
						delete(owned, h)
						return
					}
				}
			},
			"": func(t *rapid.T) {
				if s.Free() != count-len(owned) {
					t.Fatalf("Free = %d", s.Free())
				}
				for h, mark := range owned {
					b := s.Bytes(h)
					if len(b) != size || cap(b) != size {
						t.Fatalf("slot of %d, room for %d", len(b), cap(b))
					}
					for _, got := range b {
						if got != mark {
							t.Fatalf("slot %d was written by another", h)
						}
					}
				}
			},
		})
	})
}

func TestSlabPutTwicePanics(t *testing.T) {
	var s Slab
	s.Init(2, 1)
	h, _ := s.Get()
	s.Put(h)
	for _, bad := range []Handle{h, 0, 2, 3} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Put(%d) did not panic", bad)
				}
			}()
			s.Put(bad)
		}()
	}
}

func TestSlabAllocs(t *testing.T) {
	var s Slab
	s.Init(4, 1400)
	if got := testing.AllocsPerRun(1000, func() {
		h, _ := s.Get()
		s.Bytes(h)[0]++
		s.Put(h)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// Slots go round between two goroutines: each byte that the owner wrote arrives,
// and no slot is held by both. Under the race detector it also shows that the
// way back is a happens-before edge.
func TestSlabAcross(t *testing.T) {
	const count, rounds = 4, 5000
	var s Slab
	var q SPSC[Handle]
	s.Init(count, 1)
	q.Init(count)
	done := make(chan int)
	go func() {
		wrong := 0
		for i := 0; i < rounds; {
			h, ok := q.Pop()
			if !ok {
				runtime.Gosched()
				continue
			}
			if s.Bytes(h)[0] != byte(i) {
				wrong++
			}
			s.Bytes(h)[0] = 0xff
			s.GiveBack(h)
			i++
		}
		done <- wrong
	}()
	for i := 0; i < rounds; {
		h, ok := s.Get()
		if !ok {
			runtime.Gosched()
			continue
		}
		s.Bytes(h)[0] = byte(i)
		q.Push(h)
		i++
	}
	if wrong := <-done; wrong != 0 {
		t.Errorf("%d slots were written by the other side", wrong)
	}
}

func BenchmarkSlabGetPut(b *testing.B) {
	var s Slab
	s.Init(64, 1400)
	b.ReportAllocs()
	for b.Loop() {
		h, _ := s.Get()
		s.Put(h)
	}
}

func TestSlabBytes(t *testing.T) {
	var s Slab
	s.Init(10, 64)
	if got, want := SlabBytes(10, 64), cap(s.bytes)+cap(s.free)*int(unsafe.Sizeof(Handle(0)))+cap(s.taken)+cap(s.back.slots)*int(unsafe.Sizeof(Handle(0))); got != want {
		t.Errorf("SlabBytes = %d, Init asks for %d", got, want)
	}
}
