package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"

	"github.com/quidnunc/quidnunc/codec"
)

// KeysMax is how many cluster keys a keyring accepts at a time: two during a rotation, and room for
// mistakes.
const KeysMax = 8

// The errors of configuration.
var (
	ErrKeyLength = errors.New("seal: a cluster key has 16 or 32 bytes")
	ErrKeyID     = errors.New("seal: a key id is from 1 to 255")
	ErrKeyTaken  = errors.New("seal: the keyring has another key of this id")
	ErrKeySame   = errors.New("seal: the keyring has the same key under another id")
	ErrKeysFull  = errors.New("seal: the keyring is full")
	ErrState     = errors.New("seal: not the state of a keyring")
	ErrPrimary   = errors.New("seal: the primary key can't be removed: use another first")
)

// Keyring holds the cluster keys that are accepted, and which of them seals. It has one owner.
type Keyring struct {
	keys    [KeysMax]clusterKey
	count   int
	primary uint8
	serial  uint32
	tag     uint32
}

type clusterKey struct {
	id     uint8
	bytes  uint8  // length of the AES keys that it gives
	serial uint32 // of this key among all that were ever added; tells a replaced key's descendants
	prk    [sha256.Size]byte
	hello  cipher.AEAD
}

// Key is what a cluster key becomes for one life of one sender: an AEAD that was set up once. The
// zero value opens nothing.
type Key struct {
	aead   cipher.AEAD
	serial uint32
	id     uint8
}

// ID is the id of the cluster key, 0 for the zero value.
func (k Key) ID() uint8 { return k.id }

// Init empties the keyring and binds it to a cluster, by its codec.ClusterTag.
func (r *Keyring) Init(clusterTag uint32) { *r = Keyring{tag: clusterTag} }

// Add accepts a cluster key. The first one becomes primary. The secret is not kept: the caller
// should erase it. Adding the same key again changes nothing; under another id it is refused, since
// who replaces a key by itself believes that the old one is of no use any more.
func (r *Keyring) Add(id uint8, secret []byte) error {
	if id == 0 {
		return ErrKeyID
	}
	if len(secret) != 16 && len(secret) != 32 {
		return ErrKeyLength
	}
	prk, err := hkdf.Extract(sha256.New, secret, []byte("quidnunc frame v1"))
	if err != nil {
		return err
	}
	defer clear(prk)
	for i := range r.keys[:r.count] {
		if k := &r.keys[i]; k.id != id && k.prk == [sha256.Size]byte(prk) {
			return ErrKeySame
		}
	}
	return r.add(&clusterKey{id: id, bytes: uint8(len(secret)), prk: [sha256.Size]byte(prk)})
}

// add accepts a key of which all is known that does not follow from the rest.
func (r *Keyring) add(k *clusterKey) (err error) {
	if have := r.find(k.id); have != nil {
		if have.prk == k.prk && have.bytes == k.bytes {
			return nil
		}
		return ErrKeyTaken
	}
	if r.count == KeysMax {
		return ErrKeysFull
	}
	if k.hello, err = k.expand("hello", r.tag, nil); err != nil {
		return err
	}
	r.serial++
	k.serial = r.serial
	r.keys[r.count] = *k
	r.count++
	if r.primary == 0 {
		r.primary = k.id
	}
	return nil
}

// Use makes a key that was added the primary one. Boxes seal with it from their next Use on.
func (r *Keyring) Use(id uint8) error {
	if r.find(id) == nil {
		return codec.ErrKey
	}
	r.primary = id
	return nil
}

// Remove drops and erases a key. Keys that were derived from it open nothing any more.
func (r *Keyring) Remove(id uint8) error {
	k := r.find(id)
	if k == nil {
		return codec.ErrKey
	}
	if id == r.primary {
		return ErrPrimary
	}
	r.count--
	*k = r.keys[r.count]
	r.keys[r.count] = clusterKey{}
	return nil
}

// keyStateBytes is a key in a state: its id, the length of the AES keys that it gives, what they
// are derived from.
const keyStateBytes = 1 + 1 + sha256.Size

// StateBytesMax is the largest state.
const StateBytesMax = 1 + KeysMax*keyStateBytes

// AppendState appends what Restore makes the same keyring of. Whoever has it can do what a holder
// of the keys can.
func (r *Keyring) AppendState(dst []byte) []byte {
	dst = append(dst, r.primary)
	for i := range r.keys[:r.count] {
		k := &r.keys[i]
		dst = append(append(dst, k.id, k.bytes), k.prk[:]...)
	}
	return dst
}

// Restore makes the keyring what it was when AppendState wrote a state, bound to a cluster as Init
// does. It fails with ErrState, and leaves the keyring empty, for what is none.
func (r *Keyring) Restore(clusterTag uint32, state []byte) error {
	r.Init(clusterTag)
	if len(state) < 1+keyStateBytes || len(state) > StateBytesMax || (len(state)-1)%keyStateBytes != 0 {
		return ErrState
	}
	for b := state[1:]; len(b) > 0; b = b[keyStateBytes:] {
		k := clusterKey{id: b[0], bytes: b[1], prk: [sha256.Size]byte(b[2:keyStateBytes])}
		if k.id == 0 || k.bytes != 16 && k.bytes != 32 || r.add(&k) != nil {
			r.Close()
			return ErrState
		}
	}
	if r.Use(state[0]) != nil {
		r.Close()
		return ErrState
	}
	return nil
}

// Print tells a key from others of its id, and nothing else of it; false: there is none of this id.
func (r *Keyring) Print(id uint8) (print [16]byte, ok bool) {
	k := r.find(id)
	if k == nil {
		return print, false
	}
	sum := sha256.Sum256(append([]byte{id, k.bytes}, k.prk[:]...))
	return [16]byte(sum[:16]), true
}

// AddFrom accepts a key that another keyring of the cluster has; the errors are those of Add.
func (r *Keyring) AddFrom(other *Keyring, id uint8) error {
	k := other.find(id)
	if k == nil {
		return codec.ErrKey
	}
	return r.add(&clusterKey{id: id, bytes: k.bytes, prk: k.prk})
}

// Close drops and erases all keys.
func (r *Keyring) Close() { *r = Keyring{tag: r.tag, serial: r.serial} }

// Primary is the id of the key that seals, 0 if there is none.
func (r *Keyring) Primary() uint8 { return r.primary }

// Holds says whether frames sealed with the key of this id can be opened.
func (r *Keyring) Holds(id uint8) bool { return r.find(id) != nil }

// AppendIDs appends the ids of all keys, in no order.
func (r *Keyring) AppendIDs(dst []byte) []byte {
	for i := range r.keys[:r.count] {
		dst = append(dst, r.keys[i].id)
	}
	return dst
}

// Derive makes the key of the sender with this boot salt under the cluster key id. It allocates and
// takes microseconds: keep the result, and do it only for senders who have shown a cookie. It fails
// with codec.ErrKey if the keyring does not have the cluster key.
func (r *Keyring) Derive(id uint8, salt *[codec.SaltBytes]byte) (Key, error) {
	k := r.find(id)
	if k == nil {
		return Key{}, codec.ErrKey
	}
	aead, err := k.expand("frame", r.tag, salt[:])
	if err != nil {
		return Key{}, err
	}
	return Key{aead, k.serial, id}, nil
}

// Current says whether the key's cluster key is still in the ring: under one that is not, nothing
// opens.
func (r *Keyring) Current(key Key) bool {
	k := r.find(key.id)
	return k != nil && k.serial == key.serial
}

func (r *Keyring) find(id uint8) *clusterKey {
	for i := range r.keys[:r.count] {
		if r.keys[i].id == id {
			return &r.keys[i]
		}
	}
	return nil
}

// expand derives a key for a purpose.
func (k *clusterKey) expand(purpose string, tag uint32, salt []byte) (cipher.AEAD, error) {
	secret, err := k.derive(purpose, tag, salt)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k *clusterKey) derive(purpose string, tag uint32, salt []byte) ([]byte, error) {
	return k.secret(purpose, tag, salt, int(k.bytes))
}

// secret derives so many bytes for a purpose.
func (k *clusterKey) secret(purpose string, tag uint32, salt []byte, bytes int) ([]byte, error) {
	info := append([]byte(purpose), byte(tag), byte(tag>>8), byte(tag>>16), byte(tag>>24))
	return hkdf.Expand(sha256.New, k.prk[:], string(append(info, salt...)), bytes)
}
