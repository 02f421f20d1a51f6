package gaps

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

func run(id codec.OriginID, from, to uint64) *codec.Run {
	return &codec.Run{RunHead: codec.RunHead{ID: id, From: from}, To: to}
}

// Runs of one origin come out in their order, whatever the order that they came in.
func TestEarlyRunsFollow(t *testing.T) {
	var h Early
	for _, from := range []uint64{4, 2, 3, 1, 3} {
		h.Keep(run(7, from, from+1), 9, []byte{byte(from)}, sched.Instant(from))
	}
	h.Keep(run(8, 1, 2), 9, []byte{100}, 0)
	if body, _, _ := h.Take(7, 0); body != nil {
		t.Fatal("a run is given before the one that it follows")
	}
	for at := uint64(1); at < 5; at++ {
		body, by, said := h.Take(7, at)
		if len(body) != 1 || body[0] != byte(at) || by != 9 || said != sched.Instant(at) {
			t.Fatalf("at %d: %v from %d, said at %v", at, body, by, said)
		}
	}
	if body, _, _ := h.Take(7, 100); body != nil || h.n != 1 {
		t.Errorf("%v is left, and %d in all", body, h.n)
	}
	if body, _, _ := h.Take(8, 2); body != nil || h.n != 0 {
		t.Error("what is known already is given, or kept")
	}
}

// However many come, no more are kept than there is room for: the newest.
func TestEarlyIsBounded(t *testing.T) {
	var h Early
	for i := range uint64(1000) {
		h.Keep(run(7, i+1, i+2), 9, make([]byte, codec.FrameBytesMax), 0)
	}
	h.Keep(run(7, 5000, 5001), 9, make([]byte, codec.FrameBytesMax+1), 0)
	got := 0
	for i := range uint64(6000) {
		if body, _, _ := h.Take(7, i); body != nil {
			got++
		}
	}
	if got != earlyMax || h.n != 0 {
		t.Errorf("%d runs came out, %d are left", got, h.n)
	}
}

func TestEarlyDoesNotAllocate(t *testing.T) {
	var h Early
	body := make([]byte, 1000)
	r := run(7, 1, 2)
	for range earlyMax {
		h.Keep(r, 9, body, 0)
		h.Take(7, 1)
	}
	if n := testing.AllocsPerRun(1000, func() {
		h.Keep(r, 9, body, 0)
		h.Take(7, 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestEarlyKeepsTheLonger: a run that goes no further than one that waits is not kept, one that
// goes further is; nor is one that no frame could have brought.
func TestEarlyKeepsTheLonger(t *testing.T) {
	var h Early
	keep := func(to uint64, text string) { h.Keep(run(1, 5, to), 2, []byte(text), 3) }
	keep(9, "first")
	keep(9, "again")
	keep(8, "shorter")
	if h.n != 1 {
		t.Fatalf("%d runs wait", h.n)
	}
	keep(10, "longer")
	if h.n != 2 {
		t.Fatalf("%d runs wait", h.n)
	}
	h.Keep(run(1, 20, 30), 2, make([]byte, codec.FrameBytesMax+1), 3)
	if h.n != 2 {
		t.Error("what no frame could have brought is kept")
	}
	h.Keep(run(1, 20, 30), 2, make([]byte, codec.FrameBytesMax), 3)
	if h.n != 3 {
		t.Error("a whole frame is not kept")
	}
	for _, want := range []string{"first", "longer"} {
		if body, by, at := h.Take(1, 5); string(body) != want || by != 2 || at != 3 {
			t.Errorf("%q, want %q", body, want)
		}
	}
}
