package notary

import (
	"crypto/ed25519"
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/state"
)

// Key is a public key.
type Key = [codec.PublicKeyBytes]byte

// Config says what a notary signs with, and whom it believes.
type Config struct {
	Tag      uint32             // of the cluster
	Key      ed25519.PrivateKey // nil: nothing is signed
	Former   ed25519.PrivateKey // the key took its place; nil: none
	Keys     map[string]Key     // the operator's: whose key is whose
	NamesMax int                // names that are bound at a time, beside those
}

// Notary makes and verifies signatures.
type Notary struct {
	cfg Config
	own Key

	mu    sync.Mutex
	bound map[string]Key

	hash hash.Hash
	text []byte
}

// New makes a notary.
func New(cfg *Config) *Notary {
	n := &Notary{cfg: *cfg, bound: map[string]Key{}, hash: sha256.New()}
	if cfg.Key != nil {
		n.own = Key(cfg.Key.Public().(ed25519.PublicKey))
	}
	return n
}

// KeyOf is the key that a name is bound to.
func (n *Notary) KeyOf(name string) (k Key, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k, ok = n.bound[name]; !ok {
		k, ok = n.cfg.Keys[name]
	}
	return k, ok
}

// Forget ends what was learned of a name.
func (n *Notary) Forget(name string) {
	n.mu.Lock()
	delete(n.bound, name)
	n.mu.Unlock()
}

// bind binds a name to a key; false: there is no room.
func (n *Notary) bind(name string, k Key) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, again := n.bound[name]; !again && len(n.bound) >= n.cfg.NamesMax {
		return false
	}
	n.bound[name] = k
	return true
}

// Do makes the signature of a job, or verifies it, and says what came of it.
func (n *Notary) Do(s *state.Store, j *checkpoint.Job) {
	if j.Verify {
		j.Verdict = n.verify(s, j)
	} else {
		j.Verdict = n.sign(s, j)
	}
}

func (n *Notary) sign(s *state.Store, j *checkpoint.Job) checkpoint.Verdict {
	var ok bool
	if n.cfg.Key == nil {
		return checkpoint.Moved
	}
	if j.Digest, ok = n.digest(s, &j.Signature); !ok {
		return checkpoint.Moved
	}
	j.Key = n.own
	n.text = codec.AppendSigned(n.text[:0], n.cfg.Tag, &j.Signature)
	j.Sig = [codec.SignatureBytes]byte(ed25519.Sign(n.cfg.Key, n.text))
	j.Succession = codec.PublicKey{}
	if f := n.cfg.Former; f != nil {
		j.Succession = codec.PublicKey{ID: j.ID, Key: n.own, Former: Key(f.Public().(ed25519.PublicKey))}
		n.text = codec.AppendSucceeded(n.text[:0], n.cfg.Tag, &j.Succession)
		j.Succession.Sig = [codec.SignatureBytes]byte(ed25519.Sign(f, n.text))
	}
	return checkpoint.Made
}

func (n *Notary) verify(s *state.Store, j *checkpoint.Job) checkpoint.Verdict {
	name := string(j.Name)
	key, known := n.KeyOf(name)
	if known && key != j.Key && !n.succeeds(key, j) {
		return checkpoint.Forged
	}
	n.text = codec.AppendSigned(n.text[:0], n.cfg.Tag, &j.Signature)
	if !ed25519.Verify(j.Key[:], n.text, j.Sig[:]) {
		return checkpoint.Forged
	}
	if (!known || key != j.Key) && !n.bind(name, j.Key) {
		return checkpoint.Unbound
	}
	switch digest, ok := n.digest(s, &j.Signature); {
	case !ok:
		return checkpoint.Moved
	case digest == j.Digest:
		return checkpoint.Same
	}
	return checkpoint.Other
}

// succeeds tells whether the job's key took the place of a key, in that one's word.
func (n *Notary) succeeds(former Key, j *checkpoint.Job) bool {
	x := &j.Succession
	if x.ID != j.ID || x.Key != j.Key || x.Former != former {
		return false
	}
	n.text = codec.AppendSucceeded(n.text[:0], n.cfg.Tag, x)
	return ed25519.Verify(former[:], n.text, x.Sig[:])
}

// digest is that of a log as it is here; false: it is not here, or not up to just the version.
func (n *Notary) digest(s *state.Store, of *codec.Signature) (sum [codec.DigestBytes]byte, ok bool) {
	n.hash.Reset()
	moved := false
	here := s.Live(of.ID, func(key, value []byte, m state.Meta) bool {
		e := codec.Entry{
			Version: m.Version, Key: key, Value: value, Flags: m.Flags,
			TTL: m.TTL, Stamp: m.Stamp, Kind: m.Kind, Lease: m.Lease, Rest: m.Rest,
		}
		n.text = codec.AppendDigested(n.text[:0], &e)
		n.hash.Write(n.text) // never fails
		moved = m.Version > of.Version
		return !moved
	})
	n.hash.Sum(sum[:0])
	return sum, here && !moved
}
