package protect

import (
	"cmp"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

// Sealed seals frames in the send slot and opens them in the receive slot.
type Sealed struct {
	door      *door.Door
	ring      *seal.Keyring
	box       seal.Box
	lives     []life // by peer handle
	active    active.Set
	parts     active.Slab[part] // of those that are active
	now       sched.Instant     // of the last frame
	graveSalt []Salt            // by slot
	serial    uint8             // of our notice of keys
	notice    codec.KeyNotice
	derived   uint64
	last      uint8 // the key that sealed, after Close

	// A sender whose frame has opened and who is not adopted yet.
	fresh  bool
	window seal.Window
	key    seal.Key
}

// life is a peer between two starts, as far as it has shown: its boot salt, and
// what must not be lost while nobody talks with it.
type life struct {
	salt    Salt
	before  Salt   // never again, without the answer to a challenge
	known   bool   // salt is
	old     bool   // before is
	place   uint32 // of its part; 0: it rests
	floor   uint64 // while it rests: counters up to this one are used
	awaited bool   // while it rests: it was spoken to, or answered a challenge, and a derivation is kept for it

	noticed bool // it said what keys it holds
	primary uint8
	held    codec.KeySet

	asked   uint32 // the last frame with an acknowledgement that was begun for it
	since   uint32 // it resumes once it has seen a later frame than this
	behind  bool   // a frame of it came that was far behind
	resumes bool   // and it answered a challenge after that

	noticeSent uint8  // serial of the notice that was last sent
	noticeHad  uint8  // serial of the last one that was acknowledged
	noticeSeq  uint32 // the frame that last carried our notice
}

// part is what opens the frames of a peer that is talked with.
type part struct {
	window seal.Window
	keys   [seal.KeysMax]seal.Key // of its salt, those that were needed so far
}

// LifeBytes is what a peer takes. A test holds it.
const LifeBytes = 80

const (
	_ uint = seal.KeysMax - codec.KeyNoticeMax // a notice names every key that a ring holds
	_ uint = codec.KeyNoticeMax - seal.KeysMax
)

// NewSealed is the mode with keys: the ring has at least one, and belongs to the
// mode from now on; it panics otherwise. The door has cookies and budgets. There
// are as many graves as slots, and the keys of at most most peers are kept: 0
// for active.Default.
func NewSealed(d *door.Door, ring *seal.Keyring, salt Salt, graves, most int) *Sealed {
	s := &Sealed{door: d, ring: ring, serial: 1, lives: make([]life, 1, 16), graveSalt: make([]Salt, graves)}
	s.active.Init(cmp.Or(most, active.Default))
	if err := s.box.Init(ring, salt); err != nil {
		panic("protect: the keyring has no key")
	}
	return s
}

// Sealed is true.
func (s *Sealed) Sealed() bool { return true }

// Flags say that a frame is sealed.
func (s *Sealed) Flags() codec.Flags { return codec.FlagSeal }

// KeyID is that of the key that seals; after Close, that did: frames are begun, and not finished.
func (s *Sealed) KeyID() uint8 { return cmp.Or(s.box.KeyID(), s.last) }

// Salt is our boot salt, which changes with Reseal.
func (s *Sealed) Salt() Salt { return s.box.Salt() }

// AppendRing appends the state of the keyring (seal.Keyring.Restore).
func (s *Sealed) AppendRing(dst []byte) []byte { return s.ring.AppendState(dst) }

// Derived counts the keys that were derived: about 2 µs each.
func (s *Sealed) Derived() uint64 { return s.derived }

// life gives what is known of a peer's life.
func (s *Sealed) life(p uint32) *life {
	for int(p) >= len(s.lives) {
		s.lives = append(s.lives, life{})
	}
	return &s.lives[p]
}

// Drop forgets a peer's life.
func (s *Sealed) Drop(p uint32) {
	s.rest(p)
	*s.life(p) = life{}
}

// Open opens a frame in place.
func (s *Sealed) Open(in *Arrival) (records []byte, r Refusal) {
	h := &in.Header
	s.now = in.Now
	s.forgetStranger()
	switch {
	case h.KeyID == 0:
		return nil, Refusal{Err: ErrUnsealed, Greet: true}
	case !s.ring.Holds(h.KeyID):
		return nil, Refusal{Err: codec.ErrKey, Greet: true}
	case h.Flags&codec.FlagHello != 0:
		return s.openHello(in)
	}
	if p := in.Peer; p == 0 || !s.lives[p].known || s.lives[p].salt != h.Salt {
		return s.openStranger(in)
	}
	l := &s.lives[in.Peer]
	if l.place == 0 {
		return s.openResting(in, l)
	}
	x := s.parts.At(l.place)
	k, err := s.keyOf(l, x, h.KeyID)
	if err != nil {
		return nil, Refusal{Err: err}
	}
	records, err = s.box.OpenInPlace(in.Frame, h, *k, &x.window)
	r.Err = err
	switch {
	case err == nil:
		l.behind, l.resumes = false, false
		if s.active.Touch(in.Now, l.place) {
			s.rest(s.active.Rests(in.Now))
		}
	case err == codec.ErrAuth:
		r.Greet = true // it may have missed our new life
	case err == codec.ErrReplay && x.window.Old(h.Counter):
		return s.openBehind(in, l, x, k)
	}
	return records, r
}

// openBehind opens a frame that is so far behind that nobody can tell whether it came: it is what
// somebody recorded, or somebody else has used the peer's counters. It is greeted; once it has
// answered that, whatever it says after a frame that left since is of today, and it goes on from
// there. A greeting alone does not say how far its counter is: with that, all that was recorded
// would be fresh.
func (s *Sealed) openBehind(in *Arrival, l *life, x *part, k *seal.Key) (records []byte, r Refusal) {
	l.behind = true
	if !l.shows(&in.Header) {
		return nil, Refusal{Err: codec.ErrReplay, Greet: true}
	}
	s.window.Reset()
	records, err := s.box.OpenInPlace(in.Frame, &in.Header, *k, &s.window)
	if err == nil {
		x.window.Resume(in.Counter)
		l.behind, l.resumes = false, false
	}
	return records, Refusal{Err: err}
}

// shows tells whether a frame says that it was made after the peer answered a challenge.
func (l *life) shows(h *codec.Header) bool {
	return l.resumes && h.Flags&codec.FlagFlow != 0 && int32(h.Ack-l.since) > 0 && int32(l.asked-h.Ack) >= 0
}

// forgetStranger forgets the key that nobody adopted.
func (s *Sealed) forgetStranger() {
	if s.fresh {
		s.fresh, s.key = false, seal.Key{}
	}
}

// keyOf is the key of a life whose salt has proved itself, derived the first
// time that it is asked for: at most one derivation for each salt and key.
func (s *Sealed) keyOf(l *life, x *part, id uint8) (*seal.Key, error) {
	free := -1
	for i := range x.keys {
		k := &x.keys[i]
		current := s.ring.Current(*k)
		if current && k.ID() == id {
			return k, nil
		}
		if !current && free < 0 {
			free = i
		}
	}
	if free < 0 {
		return nil, codec.ErrKey // more keys than a ring has: can't be
	}
	s.derived++
	k, err := s.ring.Derive(id, &l.salt)
	x.keys[free] = k
	return &x.keys[free], err
}

// openStranger opens a frame of a sender that we do not know in this life: only
// with a cookie, and within a budget.
func (s *Sealed) openStranger(in *Arrival) (records []byte, r Refusal) {
	h, p := &in.Header, in.Peer
	switch {
	case p != 0 && s.lives[p].old && s.lives[p].before == h.Salt:
		return nil, Refusal{Err: codec.ErrReplay, Greet: true} // if it is true after all, it answers
	case h.Flags&codec.FlagCookie == 0:
		return nil, Refusal{Err: ErrStranger, Greet: true}
	case !s.door.Shows(in.Now, in.From, &h.Salt, &h.Cookie):
		return nil, Refusal{Err: ErrCookie, Greet: true}
	case !s.door.Derive(in.Now, in.From):
		return nil, Refusal{Err: ErrRate}
	}
	s.derived++
	key, err := s.ring.Derive(h.KeyID, &h.Salt)
	if err != nil {
		return nil, Refusal{Err: codec.ErrKey}
	}
	s.window.Reset()
	if records, err = s.box.OpenInPlace(in.Frame, h, key, &s.window); err != nil {
		return nil, Refusal{Err: err}
	}
	s.fresh, s.key = true, key
	return records, Refusal{}
}

// openHello opens a frame under the hello key: a greeting or an answer to one.
func (s *Sealed) openHello(in *Arrival) (records []byte, r Refusal) {
	if !s.door.Hello(in.Now, in.From) {
		return nil, Refusal{Err: ErrRate}
	}
	records, err := s.box.OpenHelloInPlace(in.Frame, &in.Header)
	if err == nil && !greeting(records) {
		err = codec.ErrRecord
	}
	in.Greeting = err == nil
	return records, Refusal{Err: err}
}

// Adopt keeps the life of a peer whose first frame has opened.
func (s *Sealed) Adopt(p uint32, h *codec.Header) {
	if !s.fresh {
		return
	}
	s.begin(p, h.Salt)
	s.wake(p, s.key)
	s.forgetStranger()
}

// begin starts a life with another salt. It rests at first.
func (s *Sealed) begin(p uint32, salt Salt) {
	s.rest(p)
	l := s.life(p)
	*l = life{salt: salt, known: true, before: l.salt, old: l.known, noticed: l.noticed, held: l.held, primary: l.primary}
}

// Meet takes the life that has answered a fresh challenge: also one that was here
// before, since the answer was made just now. Where the peer's window is ahead of it,
// it is heard again from the next frame on that acknowledges one that leaves now.
func (s *Sealed) Meet(p uint32, h *codec.Header) {
	l := s.life(p)
	switch {
	case !l.known || l.salt != h.Salt:
		s.begin(p, h.Salt)
	case l.behind:
		l.resumes, l.since = true, l.asked
	}
	l.awaited = true
}

// Other tells whether a frame is of another life than what is known of a peer.
func (s *Sealed) Other(p uint32, h *codec.Header) bool {
	return s.Reachable(p) && s.lives[p].salt != h.Salt
}

// Reachable is who has shown a salt.
func (s *Sealed) Reachable(p uint32) bool { return int(p) < len(s.lives) && s.lives[p].known }

// Finish seals for a peer's life.
func (s *Sealed) Finish(b []byte, p uint32) ([]byte, error) {
	l := &s.lives[p]
	l.awaited = true
	return s.box.SealInPlace(b, &l.salt)
}

// FinishHello seals under the hello key.
func (s *Sealed) FinishHello(b []byte) ([]byte, error) { return s.box.SealHelloInPlace(b) }

// Bury remembers how a buried member can still be spoken to.
func (s *Sealed) Bury(slot int, p uint32) { s.graveSalt[slot] = s.life(p).salt }

// FinishGrave seals for the life in a grave.
func (s *Sealed) FinishGrave(b []byte, slot int) ([]byte, error) {
	return s.box.SealInPlace(b, &s.graveSalt[slot])
}
