package content

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestRoomOfContents: to the byte, all together and each; what replaces a longer one has room,
// once; a content that is here, coming or too long is not expected.
func TestRoomOfContents(t *testing.T) {
	newTable := func() *Table {
		var x Table
		x.Init(Limits{Bytes: 100, Each: 60, Keep: keep}, 7, func([]byte) {})
		return &x
	}
	add := func(x *Table, c byte, n, over int, want bool) Sum {
		t.Helper()
		b := make([]byte, n)
		s := Sum{c}
		if x.Add(&s, b, over, 0) != want {
			t.Errorf("%d bytes above %d of %d: not %v", n, over, x.stats.Bytes, want)
		}
		return s
	}
	x := newTable()
	add(x, 1, 61, 100, false)
	add(x, 1, 60, 0, true)
	add(x, 2, 41, 0, false)
	add(x, 2, 41, 1, true)
	add(x, 3, 1, 0, false)
	if x.stats.Bytes != 101 {
		t.Errorf("%d bytes", x.stats.Bytes)
	}

	x = newTable()
	expect := func(c byte, n int, want bool) Handle {
		t.Helper()
		h := x.Refer(&Entry{Origin: 3, Key: []byte{c}, Version: uint64(c), Sum: Sum{c}, Length: n}, 0)
		if x.Expect(h) != want {
			t.Errorf("%d bytes beside %d are expected: not %v", n, x.stats.Bytes, want)
		}
		return h
	}
	expect(1, 61, false)
	h := expect(2, 60, true)
	if x.Expect(h) {
		t.Error("what is coming is expected again")
	}
	expect(3, 41, false)
	last := expect(4, 40, true)
	x.Fail(h)
	x.Fail(h)
	if x.stats.Bytes != 40 {
		t.Errorf("%d bytes once one came to nothing", x.stats.Bytes)
	}
	x.Arrive(last, make([]byte, 40), 0)
	if x.Expect(last) || x.stats.Bytes != 40 {
		t.Errorf("what is here is expected, or counted twice: %d", x.stats.Bytes)
	}
	if !x.Expect(h) {
		t.Error("what came to nothing has no room again")
	}
}

// TestWhatAReplacementFrees: as much as only the reference that is replaced shows.
func TestWhatAReplacementFrees(t *testing.T) {
	var x Table
	x.Init(Limits{Bytes: 100, Each: 60, Keep: keep}, 7, func([]byte) {})
	refer := func(key byte, version uint64, c byte) *Ref {
		h := x.Refer(&Entry{Origin: 3, Key: []byte{key}, Version: version, Sum: Sum{c}, Length: 10}, 0)
		x.Arrive(h, make([]byte, 10), 0)
		r := &x.refs[x.find(3, []byte{key})]
		x.Shown(r, 0)
		return r
	}
	a := refer(1, 1, 1)
	if n := x.Freed(a); n != 10 {
		t.Errorf("the only one that shows it frees %d", n)
	}
	refer(2, 2, 1)
	if n := x.Freed(&x.refs[x.find(3, []byte{1})]); n != 0 {
		t.Errorf("one of two that show it frees %d", n)
	}
	x.Unrefer(3, []byte{2}, 0)
	if n := x.Freed(&x.refs[x.find(3, []byte{1})]); n != 10 {
		t.Errorf("the last of two frees %d", n)
	}
	refs, contents := len(x.refs), len(x.contents)
	for i := range uint64(50) {
		refer(9, 10+i, 1)
		x.Unrefer(3, []byte{9}, sched.Instant(i))
	}
	if len(x.refs) > refs || len(x.contents) > contents {
		t.Errorf("places are not given again: %d and %d", len(x.refs), len(x.contents))
	}
}
