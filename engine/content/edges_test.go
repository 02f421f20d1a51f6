package content

import (
	"encoding/binary"
	"testing"
)

// tableOf gives a table with room for so many bytes, and what adds a content of its own and
// refers to one.
func tableOf(bytes, each int) (x *Table, refer func(key, sum byte, n int) Handle) {
	x = new(Table)
	x.Init(Limits{Bytes: bytes, Each: each, Keep: keep}, 7, func([]byte) {})
	version := uint64(0)
	return x, func(key, sum byte, n int) Handle {
		version++
		return x.Refer(&Entry{Origin: 3, Key: []byte{key}, Version: version, Sum: Sum{sum}, Length: n}, 0)
	}
}

// TestIndexIsThreeQuartersFull: it grows when one more would be above that, and not before.
func TestIndexIsThreeQuartersFull(t *testing.T) {
	var x index
	hashOf := func(v uint32) uint64 { return uint64(v) }
	for v := uint32(1); v <= 200; v++ {
		room := len(x.slots)
		x.insert(hashOf(v), v, hashOf)
		if fits := int(v) <= room*3/4; fits != (len(x.slots) == room) || 4*x.used > 3*len(x.slots) {
			t.Fatalf("%d of %d slots are used, of %d before", x.used, len(x.slots), room)
		}
	}
}

// TestKeysFindTheirPlaces: keys that differ in any byte, or in their origin only, are spread:
// half of all or more have a place of their own in twice as many.
func TestKeysFindTheirPlaces(t *testing.T) {
	x, _ := tableOf(100, 60)
	const keys, mask = 1024, 2*1024 - 1
	for name, hash := range map[string]func(i int) uint64{
		"first byte":  func(i int) uint64 { return x.hashKey(uint32(i>>8), []byte{byte(i), 'k', 'e', 'y'}) },
		"last byte":   func(i int) uint64 { return x.hashKey(uint32(i>>8), []byte{'k', 'e', 'y', byte(i)}) },
		"origin":      func(i int) uint64 { return x.hashKey(uint32(i), []byte("key")) },
		"high origin": func(i int) uint64 { return x.hashKey(uint32(i)<<16, []byte("key")) },
		"number":      func(i int) uint64 { return x.hashKey(1, binary.BigEndian.AppendUint64(nil, uint64(i))) },
	} {
		places := map[uint64]bool{}
		for i := range keys {
			places[hash(i)&mask] = true
		}
		if len(places) < keys/2 {
			t.Errorf("%s: %d keys have %d places", name, keys, len(places))
		}
	}
}

// TestRoomToTheByte: the last byte is given, and what takes the place of a content that is no
// shorter comes in even when all room is taken.
func TestRoomToTheByte(t *testing.T) {
	x, refer := tableOf(100, 60)
	for key := range byte(2) {
		h := refer(key, 1+key, 50)
		if !x.Expect(h) {
			t.Fatalf("50 bytes beside %d have no room", x.stats.Bytes)
		}
		x.Arrive(h, make([]byte, 50), 0)
	}
	if x.Squeeze(1, 10) || !x.Squeeze(0, 10) {
		t.Error("a byte has room where all is taken, or none has not")
	}
	if longer := refer(0, 3, 51); x.Expect(longer) {
		t.Error("51 bytes come in for 50")
	}
	same := refer(0, 4, 50)
	if !x.Expect(same) || x.stats.Bytes != 150 {
		t.Errorf("50 bytes do not come in for 50: %d", x.stats.Bytes)
	}
	if other := refer(1, 5, 50); x.Expect(other) {
		t.Error("a second one comes in while all is above the limit")
	}
}

// TestNothingMakesNoRoom: a table without contents has the room it has.
func TestNothingMakesNoRoom(t *testing.T) {
	x, _ := tableOf(100, 60)
	if !x.Squeeze(100, 10) || x.Squeeze(101, 10) {
		t.Error("an empty table has more or less room than it has")
	}
	if n := x.Sweep(0, 10, all); n != 1 || x.stats != (Stats{}) {
		t.Errorf("it has %d to look at: %+v", n, x.stats)
	}
}

// TestOwnContentMeetsFetched: what is written here while the same content is fetched takes that
// one's room, arrives once, and is wanted as before; what is here already gives the bytes back.
func TestOwnContentMeetsFetched(t *testing.T) {
	x, refer := tableOf(100, 60)
	released := 0
	x.release = func([]byte) { released++ }
	h := refer(1, 1, 60)
	if !x.Wanted(h) || !x.Expect(h) || !x.Add(&Sum{1}, make([]byte, 60), 0, 0) {
		t.Fatal("a content that is coming can't be written")
	}
	if !x.Here(h) || x.stats != (Stats{Refs: 1, Here: 1, Bytes: 60}) || released != 0 {
		t.Errorf("it is not here once: %+v, %d given back", x.stats, released)
	}
	x.Fail(h)                        // the fetch ends for nothing
	x.Arrive(h, make([]byte, 60), 0) // or brings it again
	if !x.Add(&Sum{1}, make([]byte, 60), 0, 0) || x.stats.Bytes != 60 || released != 2 {
		t.Errorf("it is here twice: %+v, %d given back", x.stats, released)
	}
	if x.Unrefer(3, []byte{1}, 0); x.Wanted(h) {
		t.Error("a content is wanted that nothing refers to")
	}
}

// TestClearTakesNoOthers: its counts stay, what somebody holds may be dropped, and nothing comes
// in, not even of no bytes.
func TestClearTakesNoOthers(t *testing.T) {
	x, refer := tableOf(100, 60)
	h := refer(1, 1, 60)
	x.Arrive(h, make([]byte, 60), 0)
	x.Hold(h)
	was := x.Stats()
	x.Clear()
	x.Drop(h)
	if x.Stats() != was || x.Having(&Sum{1}) != 0 || x.Of(3, []byte{1}) != nil {
		t.Errorf("%+v, was %+v", x.Stats(), was)
	}
	if x.Fits(0) || x.Add(&Sum{2}, nil, 1000, 0) {
		t.Error("a content comes in")
	}
}

// TestIndexKeepsWhatItHeld: growing loses nothing and finds nothing that is not there.
func TestIndexKeepsWhatItHeld(t *testing.T) {
	x, refer := tableOf(1<<20, 60)
	for i := range 250 {
		refer(byte(i), byte(1+i), 10)
	}
	for i := range 250 {
		if r := x.Of(3, []byte{byte(i)}); r == nil || x.Sum(r.Want)[0] != byte(1+i) {
			t.Fatalf("key %d: %+v", i, r)
		}
		if x.Of(4, []byte{byte(i)}) != nil {
			t.Fatalf("key %d of another origin is found", i)
		}
	}
}

// TestSweptContentsMakeRoom: what nothing needs makes room for others, however often it was
// looked at before.
func TestSweptContentsMakeRoom(t *testing.T) {
	for sweeps := range 6 {
		x, _ := tableOf(100, 60)
		x.Add(&Sum{1}, make([]byte, 60), 0, 0)
		for range sweeps {
			x.Sweep(0, 10, all)
		}
		if want := sweeps > 1; x.Squeeze(50, 10) != want { // a look takes two turns at most: it has two places
			t.Errorf("after %d sweeps: room is made: %v", sweeps, !want)
		}
	}
}
