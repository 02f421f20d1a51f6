package protect

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

func TestLifeBytes(t *testing.T) {
	if n := unsafe.Sizeof(life{}); n != LifeBytes {
		t.Errorf("a life has %d bytes, the footprint counts %d", n, LifeBytes)
	}
	if n := unsafe.Sizeof(part{}); n != partBytes {
		t.Errorf("what an active one has is %d bytes, the footprint counts %d", n, partBytes)
	}
}

// side is a fake host: one node that protects frames, whose peer 1 is the other.
type side struct {
	Mode
	door door.Door
	id   codec.OriginID
	in   Arrival
	busy uint64
	buf  [1200]byte
}

func newSide(t testing.TB, id byte, secret []byte) *side {
	s := &side{id: codec.OriginID(id)}
	s.door.Init(sched.Second, &door.Config{Key: [2]uint64{uint64(id), 3}, Introduced: 8, Busy: &s.busy})
	salt := Salt{id}
	if secret == nil {
		s.Mode = NewClear(&s.door, salt)
		return s
	}
	ring := new(seal.Keyring)
	ring.Init(5)
	if err := ring.Add(1, secret); err != nil {
		t.Fatal(err)
	}
	s.Mode = NewSealed(&s.door, ring, salt, 4, 3)
	return s
}

// say is a frame to the peer with one record.
func (s *side) say(t testing.TB) []byte {
	h := codec.Header{Cluster: 5, Sender: s.id, KeyID: s.KeyID(), Flags: s.Flags(), Salt: s.Salt()}
	b := codec.AppendSync(codec.AppendHeader(s.buf[:0], &h), codec.Sync{})
	b, err := s.Finish(b, 1)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hear opens a frame of the peer.
func (s *side) hear(frame []byte) error {
	rest, err := codec.ParseHeader(frame, &s.in.Header)
	if err != nil {
		return err
	}
	s.in.Now, s.in.Frame, s.in.Rest, s.in.Peer = sched.Second, frame, rest, 1
	records, r := s.Open(&s.in)
	if t, _, _ := codec.NextRecord(records); r.Err == nil && t != codec.TypeSync {
		return codec.ErrRecord
	}
	return r.Err
}

// TestFramesDoNotAllocate: in clear and sealed, frames come and go in place; a sealed one
// opens once, one of another secret never.
func TestFramesDoNotAllocate(t *testing.T) {
	for _, secret := range [][]byte{nil, []byte("one key of 16 B.")} {
		a, b := newSide(t, 1, secret), newSide(t, 2, secret)
		a.Meet(1, &codec.Header{Salt: b.Salt()})
		b.Meet(1, &codec.Header{Salt: a.Salt()})
		if n := testing.AllocsPerRun(500, func() {
			if err := b.hear(a.say(t)); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("sealed %v: %v allocations", a.Sealed(), n)
		}
		if !a.Sealed() {
			continue
		}
		frame := a.say(t)
		again := append([]byte(nil), frame...)
		if b.hear(frame) != nil || b.hear(again) != codec.ErrReplay {
			t.Error("a frame opens once")
		}
		x, c := newSide(t, 1, []byte("another 16 bytes")), newSide(t, 2, secret)
		x.Meet(1, &codec.Header{Salt: c.Salt()})
		c.Meet(1, &codec.Header{Salt: x.Salt()})
		if err := c.hear(x.say(t)); err != codec.ErrAuth {
			t.Errorf("a frame of another secret: %v", err)
		}
	}
}
