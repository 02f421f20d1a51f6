package protect

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/active"
)

// Add accepts a further key. The secret is not kept.
func (s *Sealed) Add(id uint8, secret []byte) error {
	if err := s.ring.Add(id, secret); err != nil {
		return err
	}
	s.changed()
	return nil
}

// Use seals with a key that was added from now on.
func (s *Sealed) Use(id uint8) error {
	if err := s.ring.Use(id); err != nil {
		return err
	}
	if err := s.box.Use(); err != nil {
		return err
	}
	s.changed()
	return nil
}

// Remove stops to accept a key and erases it. The key that seals can't be
// removed.
func (s *Sealed) Remove(id uint8) error {
	if err := s.ring.Remove(id); err != nil {
		return err
	}
	for place := range s.active.Places() {
		x := s.parts.At(place + 1)
		for i := range x.keys {
			if k := &x.keys[i]; k.ID() == id {
				*k = seal.Key{}
			}
		}
	}
	s.changed()
	return nil
}

// changed makes our notice another one: 0 is that of nobody.
func (s *Sealed) changed() {
	if s.serial++; s.serial == 0 {
		s.serial = 1
	}
}

// Rotate goes on under a new boot salt of 16 random bytes. Frames bound to the
// salt before still open.
func (s *Sealed) Rotate(salt Salt) error { return s.box.Rotate(salt) }

// Worn asks for Rotate: the counters of the seal near their end.
func (s *Sealed) Worn() bool { return s.box.Worn() }

// Streams is a copy of the keys, as they are now, for streams.
func (s *Sealed) Streams() (*seal.StreamKeys, error) { return s.ring.Streams() }

// Keys is the key that seals, and all keys that open.
func (s *Sealed) Keys() (primary uint8, held codec.KeySet) {
	var ids [seal.KeysMax]byte
	for _, id := range s.ring.AppendIDs(ids[:0]) {
		held.Add(id)
	}
	return s.ring.Primary(), held
}

// PeerKeys is what a peer last said of its keys; false if it said nothing.
func (s *Sealed) PeerKeys(p uint32) (primary uint8, held codec.KeySet, noticed bool) {
	if int(p) >= len(s.lives) {
		return 0, held, false
	}
	l := &s.lives[p]
	return l.primary, l.held, l.noticed
}

// Unaware tells whether a peer that frames can be made for has not acknowledged
// our notice of keys.
func (s *Sealed) Unaware(p uint32) bool {
	return s.Reachable(p) && s.lives[p].noticeHad != s.serial
}

// AppendNotice appends our notice to a frame, until one has arrived.
func (s *Sealed) AppendNotice(b []byte, limit int, p, seq uint32) []byte {
	l := &s.lives[p]
	l.asked = seq
	if l.noticeHad == s.serial || len(b)+codec.KeyNoticeBytesMax > limit {
		return b
	}
	s.notice = codec.KeyNotice{Serial: s.serial}
	s.notice.Primary, s.notice.Held = s.Keys()
	l.noticeSent, l.noticeSeq = s.serial, seq
	return codec.AppendKeyNotice(b, &s.notice)
}

// Acked looks whether a peer has acknowledged the frame with our notice: high is
// the newest that it has, bit i of seen the one i before it.
func (s *Sealed) Acked(p, high uint32, seen uint64) {
	l := &s.lives[p]
	if l.noticeSent == l.noticeHad {
		return
	}
	if back := high - l.noticeSeq; back < 64 && seen>>back&1 != 0 {
		l.noticeHad = l.noticeSent
	}
}

// OnNotice takes what a peer says of its keys.
func (s *Sealed) OnNotice(p uint32, body []byte) (ok bool) {
	if codec.ParseKeyNotice(body, &s.notice) != nil {
		return false
	}
	l := s.life(p)
	l.noticed, l.held, l.primary = true, s.notice.Held, s.notice.Primary
	return true
}

// Close erases all keys. Afterwards nothing is sealed or opened.
func (s *Sealed) Close() {
	s.last = s.KeyID()
	s.ring.Close()
	s.box.Close()
	clear(s.lives)
	s.active.Init(1)
	s.parts = active.Slab[part]{}
}
