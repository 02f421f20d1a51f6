package ring

import (
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
						s.Put(h)
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
	if got, want := SlabBytes(10, 64), cap(s.bytes)+cap(s.free)*int(unsafe.Sizeof(Handle(0)))+cap(s.taken); got != want {
		t.Errorf("SlabBytes = %d, Init asks for %d", got, want)
	}
}
