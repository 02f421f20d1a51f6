package engine

import (
	crand "crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/sched"
)

// KeyState is where the cluster stands with one key, as far as its members have
// told this one.
type KeyState struct {
	ID uint8
	// Primary: this member seals with it.
	Primary bool
	// Lacking are the members that do not hold it or have not said. While there
	// are any, UseKey of it would shut them out.
	Lacking []string
	// Sealing are the other members that seal with it. While there are any,
	// RemoveKey of it would shut them out.
	Sealing []string
}

// Keys tells about each key that this member holds, in the order of their
// numbers. To replace a key: AddKey the new one everywhere, wait until nobody
// is Lacking it; UseKey it everywhere, wait until nobody is Sealing with the
// old one; RemoveKey the old one everywhere. No frame is lost on the way. A
// member that was away meanwhile is refused until it is given the new key; its
// log and Join say which. Members that left are not counted.
func (e *Engine) Keys() (keys []KeyState) {
	e.ask(func(sched.Instant) {
		if e.core.Parts().Keys != nil {
			keys = e.keyStates()
		}
	})
	return keys
}

// keyStates is called on the loop.
func (e *Engine) keyStates() (keys []KeyState) {
	primary, held := e.core.Parts().Keys.Keys()
	for _, id := range held[:held.Len()] {
		keys = append(keys, KeyState{ID: id, Primary: id == primary})
	}
	for p := range e.core.Peers() {
		peer, ok := e.core.Peer(p)
		if !ok || e.stateOf(p, &peer) == StateLeft {
			continue
		}
		name := e.nameOf(peer.Origin)
		sealing, theirs, _ := e.core.Parts().Keys.PeerKeys(p)
		for i := range keys {
			if !theirs.Has(keys[i].ID) {
				keys[i].Lacking = append(keys[i].Lacking, name)
			}
			if sealing == keys[i].ID {
				keys[i].Sealing = append(keys[i].Sealing, name)
			}
		}
	}
	for i := range keys {
		slices.Sort(keys[i].Lacking)
		slices.Sort(keys[i].Sealing)
	}
	return keys
}

// AddKey accepts a further key, from now on. It does not seal with it. Adding
// a key that is held changes nothing; another one under the same number is an
// error. The caller may erase the secret afterwards.
func (e *Engine) AddKey(k Key) error {
	if err := k.check(); err != nil {
		return err
	}
	return e.turnKey("key added", k.ID, func(s *protect.Sealed) error { return s.Add(k.ID, k.Secret) })
}

// UseKey seals with a key that was added, from now on. See Keys.
func (e *Engine) UseKey(id uint8) error {
	return e.turnKey("key in use", id, func(s *protect.Sealed) error { return s.Use(id) })
}

// RemoveKey stops to accept a key and erases it. The one that seals can't be
// removed. See Keys.
func (e *Engine) RemoveKey(id uint8) error {
	return e.turnKey("key removed", id, func(s *protect.Sealed) error { return s.Remove(id) })
}

func (e *Engine) turnKey(what string, id uint8, turn func(*protect.Sealed) error) (err error) {
	ran := e.ask(func(now sched.Instant) {
		if e.core.Parts().Keys == nil {
			err = ErrNoKeys
			return
		}
		if err = e.core.TurnKeys(now, turn); err == nil {
			e.turnStreamKeys()
			e.herald.info(what, "member", e.cfg.Name, "key", int(id))
		}
	})
	switch {
	case !ran:
		return ErrClosed
	case errors.Is(err, codec.ErrKey):
		return fmt.Errorf("engine: key %d is not held: AddKey it first: %w", id, ErrKeyMissing)
	case err != nil && err != ErrNoKeys:
		return fmt.Errorf("engine: key %d: %s", id, ringProblem(err))
	}
	return err
}

// reseal goes on under a new salt before a counter ends.
func (e *Engine) reseal(now sched.Instant) {
	var salt [codec.SaltBytes]byte
	crand.Read(salt[:]) // never fails
	if err := e.core.Reseal(now, salt); err != nil {
		e.herald.warn("no new salt for sealing", "member", e.cfg.Name, "cause", err.Error())
	}
}

// keyList is "1, 2".
func keyList(k codec.KeySet) string {
	var s []string
	for _, id := range k[:k.Len()] {
		s = append(s, fmt.Sprint(id))
	}
	return strings.Join(s, ", ")
}

// KeyError is the cause in a JoinError for a seed whose frames are sealed with
// a key that this member does not hold.
type KeyError struct {
	ID   uint8   // the key that is missing here
	Held []uint8 // those that are here
}

// Error says which key is missing.
func (k *KeyError) Error() string {
	return fmt.Sprintf("unknown key id %d (we hold %s): give this member that key", k.ID, strings.Trim(strings.ReplaceAll(fmt.Sprint(k.Held), " ", ", "), "[]"))
}

// Is makes errors.Is(err, ErrKeyMissing) true.
func (k *KeyError) Is(target error) bool { return target == ErrKeyMissing }
