package seal

import (
	"encoding/binary"
	"errors"

	"github.com/quidnunc/quidnunc/codec"
)

// Bounds of the counters.
const (
	// CounterMax is the last frame that a key seals. 2⁴⁰ frames of 1,400 bytes leave an attacker an
	// advantage of 2⁻³⁶ (RFC 9001 §B.1: σ²/2¹²⁹ with σ blocks).
	CounterMax = 1 << 40
	// CounterRotate is when Worn asks for a new salt: a week at 100,000 frames a second, advantage
	// 2⁻⁴⁴.
	CounterRotate = 1 << 36
	// HelloMax is the last hello of a salt: the counter has 4 bytes of the nonce.
	HelloMax = 1<<32 - 1
	// HelloRotate is when Worn asks for a new salt because of hellos.
	HelloRotate = 1 << 31
)

const (
	nonceBytes = 12
	keyIDAt    = 4
	flagsHigh  = 3
)

// ErrSalt is the answer to a boot salt that this Box has or had: under it, nonces would repeat.
var ErrSalt = errors.New("seal: this boot salt was used before")

// Box seals and opens the frames of one life of a node. It has one owner, which keeps it in one
// place: it holds the scratch bytes that make its work free of allocation.
type Box struct {
	ring    *Keyring
	key     Key    // own, under the primary cluster key
	counter uint64 // of the last frame under the current salt, whichever the cluster key
	hellos  uint64 // of the last hello under the current salt
	salt    [codec.SaltBytes]byte
	old     [codec.SaltBytes]byte // the salt before; frames bound to it still open
	hasOld  bool
	nonce   [nonceBytes]byte
	ad      [codec.HeaderBytesMax + codec.SaltBytes]byte
}

// Init starts a life with a boot salt of 16 random bytes. The ring must have a key; it stays in use
// and shared.
func (b *Box) Init(ring *Keyring, salt [codec.SaltBytes]byte) error {
	if b.ring != nil && (salt == b.salt || b.hasOld && salt == b.old) {
		return ErrSalt
	}
	key, err := ring.Derive(ring.primary, &salt)
	if err != nil {
		return err
	}
	*b = Box{ring: ring, key: key, salt: salt}
	return nil
}

// Use seals with the ring's primary key from now on. The counter goes on, so that switching back
// repeats nothing.
func (b *Box) Use() error {
	key, err := b.ring.Derive(b.ring.primary, &b.salt)
	if err == nil {
		b.key = key
	}
	return err
}

// Rotate takes a new boot salt of 16 random bytes, and with it a new key and counters from the
// start. Frames bound to the salt before still open, until the next Rotate or Forget. The lowest
// bit of the salt is changed if need be, so that the two are told apart by it: Salt gives the
// result.
func (b *Box) Rotate(salt [codec.SaltBytes]byte) error {
	salt[0] = salt[0]&^1 | ^b.salt[0]&1
	if b.hasOld && salt == b.old {
		return ErrSalt
	}
	key, err := b.ring.Derive(b.ring.primary, &salt)
	if err != nil {
		return err
	}
	b.key, b.counter, b.hellos = key, 0, 0
	b.old, b.salt, b.hasOld = b.salt, salt, true
	return nil
}

// Forget stops to open frames bound to the salt before the last Rotate. Do it once peers have
// learned the new one.
func (b *Box) Forget() { b.hasOld = false }

// Close erases what can be erased. The Box seals and opens nothing any more.
func (b *Box) Close() { *b = Box{} }

// Salt is the current boot salt.
func (b *Box) Salt() [codec.SaltBytes]byte { return b.salt }

// KeyID is the id of the cluster key that seals.
func (b *Box) KeyID() uint8 { return b.key.id }

// Worn says that a counter nears its end and Rotate is due.
func (b *Box) Worn() bool { return b.counter >= CounterRotate || b.hellos >= HelloRotate }

// SealInPlace seals a frame for the receiver with the boot salt to, and gives it with its tag.
// frame is a header with FlagSeal, whose key id, counter, salt and hints are filled in here, and
// records; it needs codec.TagBytes of spare capacity. It fails with codec.ErrExhausted at the end
// of the counter, and panics on a frame that was not prepared so.
func (b *Box) SealInPlace(frame []byte, to *[codec.SaltBytes]byte) ([]byte, error) {
	if b.ring == nil || !b.ring.Current(b.key) {
		return nil, codec.ErrKey
	}
	if b.counter >= CounterMax {
		return nil, codec.ErrExhausted
	}
	b.counter++
	n := b.prepare(frame, b.counter, to[0]&1<<1)
	b.frameNonce(b.counter)
	return b.key.aead.Seal(frame[:n], b.nonce[:], frame[n:], b.bind(frame[:n], to)), nil
}

// SealHelloInPlace is SealInPlace for a receiver whose boot salt is not known: with the hello key.
func (b *Box) SealHelloInPlace(frame []byte) ([]byte, error) {
	k := b.find(b.key.id)
	if k == nil {
		return nil, codec.ErrKey
	}
	if b.hellos >= HelloMax {
		return nil, codec.ErrExhausted
	}
	b.hellos++
	n := b.prepare(frame, b.hellos, byte(codec.FlagHello>>8))
	b.helloNonce(&b.salt, b.hellos)
	return k.hello.Seal(frame[:n], b.nonce[:], frame[n:], b.bind(frame[:n], nil)), nil
}

func (b *Box) find(id uint8) *clusterKey {
	if b.ring == nil {
		return nil
	}
	return b.ring.find(id)
}

// prepare writes the seal block and the hints of the seal, and gives the size of the header.
func (b *Box) prepare(frame []byte, counter uint64, hints byte) int {
	if len(frame) < codec.HeaderBytesFixed || frame[0] != codec.Magic || cap(frame)-len(frame) < codec.TagBytes {
		panic("seal: not a frame, or no room for the tag")
	}
	flags := codec.Flags(binary.LittleEndian.Uint16(frame[2:]))
	n := codec.HeaderBytes(flags)
	if flags&codec.FlagSeal == 0 || len(frame) < n {
		panic("seal: frame without a seal block")
	}
	frame[flagsHigh] = frame[flagsHigh]&^byte((codec.FlagHello|codec.FlagSalt)>>8) | hints
	frame[keyIDAt] = b.key.id
	binary.LittleEndian.PutUint64(frame[codec.SealBlockAt:], counter)
	copy(frame[codec.SealBlockAt+8:], b.salt[:])
	return n
}

// OpenInPlace opens a frame that codec.ParseHeader has read into h, under the key of its sender and
// that sender's window, and gives its records, a view of frame whose framing is checked. An error
// leaves the window as it was and the frame destroyed.
func (b *Box) OpenInPlace(frame []byte, h *codec.Header, key Key, w *Window) (records []byte, err error) {
	if b.ring == nil || key.aead == nil || h.KeyID != key.id || !b.ring.Current(key) {
		return nil, codec.ErrKey
	}
	if h.Flags&codec.FlagHello != 0 {
		return nil, codec.ErrFlags
	}
	if !w.Fresh(h.Counter) {
		return nil, codec.ErrReplay
	}
	own := &b.salt
	if b.hasOld && h.Flags&codec.FlagSalt>>9 != codec.Flags(own[0]&1) {
		own = &b.old
	}
	n := h.Bytes()
	b.frameNonce(h.Counter)
	records, err = key.aead.Open(frame[n:n], b.nonce[:], frame[n:], b.bind(frame[:n], own))
	if err != nil {
		return nil, codec.ErrAuth
	}
	w.Mark(h.Counter)
	return records, codec.ParseRecords(records)
}

// OpenHelloInPlace is OpenInPlace for a frame with FlagHello: any holder of the cluster key may
// have sealed it, at any time. The cookie in its header says whether the sender is where it says;
// what it asks for must be harmless if replayed.
func (b *Box) OpenHelloInPlace(frame []byte, h *codec.Header) (records []byte, err error) {
	k := b.find(h.KeyID)
	if k == nil {
		return nil, codec.ErrKey
	}
	if h.Flags&codec.FlagHello == 0 || h.Counter > HelloMax {
		return nil, codec.ErrFlags
	}
	n := h.Bytes()
	b.helloNonce(&h.Salt, h.Counter)
	records, err = k.hello.Open(frame[n:n], b.nonce[:], frame[n:], b.bind(frame[:n], nil))
	if err != nil {
		return nil, codec.ErrAuth
	}
	return records, codec.ParseRecords(records)
}

func (b *Box) frameNonce(counter uint64) {
	binary.LittleEndian.PutUint32(b.nonce[:], 0)
	binary.LittleEndian.PutUint64(b.nonce[4:], counter)
}

func (b *Box) helloNonce(salt *[codec.SaltBytes]byte, counter uint64) {
	copy(b.nonce[:8], salt[:8])
	binary.LittleEndian.PutUint32(b.nonce[8:], uint32(counter))
}

// bind collects the associated data: the header, and the receiver's salt if there is one. The
// header says its own length, so that no two pairs give the same bytes.
func (b *Box) bind(header []byte, to *[codec.SaltBytes]byte) []byte {
	n := copy(b.ad[:], header)
	if to != nil {
		n += copy(b.ad[n:], to[:])
	}
	return b.ad[:n]
}
