package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"
)

const (
	keysOfEach = 24  // keys of a member
	padMax     = 400 // bytes that a value has beyond what it says
)

// ledger is all that one life of a member will ever write: write n, from 1 on, is of key n
// modulo keysOfEach. So whoever knows a newest write knows what every key has to be.
type ledger struct {
	name string
	life uint64
}

func keyOf(n uint64) string { return "k" + strconv.FormatUint(n%keysOfEach, 10) }

// deletes tells whether write n deletes its key. The first of each key does not.
func deletes(n uint64) bool { return n > keysOfEach && n*0x9e3779b97f4a7c15>>59 == 0 }

// value is what write n writes: the life, the number, a hash of both and the name, filling.
func (l ledger) value(n uint64) []byte {
	h := fnv.New64a()
	var word [8]byte
	for _, x := range []uint64{l.life, n} {
		binary.LittleEndian.PutUint64(word[:], x)
		h.Write(word[:])
	}
	h.Write([]byte(l.name))
	b := fmt.Appendf(nil, "%d %d %x ", l.life, n, h.Sum64())
	return append(b, bytes.Repeat([]byte{'.'}, int(h.Sum64()%padMax))...)
}

// number reads which write of which life of the member made a value.
func number(member, key string, value []byte) (life, n uint64, err error) {
	if _, err := fmt.Sscanf(string(value), "%d %d ", &life, &n); err != nil || keyOf(n) != key || n == 0 || deletes(n) ||
		!bytes.Equal(value, ledger{member, life}.value(n)) {
		return 0, 0, fmt.Errorf("key %s has a value that its owner never wrote: %.60q", key, value)
	}
	return life, n, nil
}

// standing is where a replica of a member stands: after its write n in that life.
type standing struct {
	Life, N uint64
}

// stands finds the write after which the keys of the member were as shown: there is one,
// unless something was left out, came early, or came back.
func stands(member string, shown map[string][]byte) (standing, error) {
	var s standing
	has := map[string]uint64{}
	for key, value := range shown {
		life, n, err := number(member, key, value)
		switch {
		case err != nil:
			return s, err
		case s.Life != 0 && life != s.Life:
			return s, fmt.Errorf("values of two lives at once, %d and %d", s.Life, life)
		}
		s.Life, has[key] = life, n
		s.N = max(s.N, n)
	}
	first := differs(has, s.N)
	for err := first; err != nil; err = differs(has, s.N) {
		if s.N++; !deletes(s.N) { // the newest writes may have been deletes, which nobody sees
			return s, first
		}
	}
	return s, nil
}

// differs says how the keys differ from what they were after write n.
func differs(has map[string]uint64, n uint64) error {
	for i := range uint64(keysOfEach) {
		last := n - (n-i)%keysOfEach // the newest write of this key
		if n < i || deletes(last) {
			last = 0
		}
		if got := has[keyOf(i)]; got != last {
			return fmt.Errorf("no state of its owner: after write %d, key %s is of write %d, not %d", n, keyOf(i), last, got)
		}
	}
	return nil
}
