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

// SecretState is where the cluster stands with one secret, as far as its members have
// told this one.
type SecretState struct {
	ID uint8
	// Primary: this member seals with it.
	Primary bool
	// Lacking are the members that do not hold it or have not said. While there
	// are any, UseSecret of it would shut them out.
	Lacking []string
	// Sealing are the other members that seal with it. While there are any,
	// RemoveSecret of it would shut them out.
	Sealing []string
}

// Secrets tells about each secret that this member holds, in the order of their
// numbers. To replace one: AddSecret the new one everywhere, wait until nobody
// is Lacking it; UseSecret it everywhere, wait until nobody is Sealing with the
// old one; RemoveSecret the old one everywhere. No frame is lost on the way. A
// member that was away meanwhile is refused until it is given the new one; its
// log and Join say which. Members that left are not counted.
func (e *Engine) Secrets() (list []SecretState) {
	e.ask(func(sched.Instant) {
		if e.core.Parts().Keys != nil {
			list = e.secretStates()
		}
	})
	return list
}

// secretStates is called on the loop.
func (e *Engine) secretStates() (list []SecretState) {
	primary, held := e.core.Parts().Keys.Keys()
	for _, id := range held[:held.Len()] {
		list = append(list, SecretState{ID: id, Primary: id == primary})
	}
	for p := range e.core.Peers() {
		peer, ok := e.core.Peer(p)
		if !ok || e.stateOf(p, &peer) == StateLeft {
			continue
		}
		name := e.nameOf(peer.Origin)
		sealing, theirs, _ := e.core.Parts().Keys.PeerKeys(p)
		for i := range list {
			if !theirs.Has(list[i].ID) {
				list[i].Lacking = append(list[i].Lacking, name)
			}
			if sealing == list[i].ID {
				list[i].Sealing = append(list[i].Sealing, name)
			}
		}
	}
	for i := range list {
		slices.Sort(list[i].Lacking)
		slices.Sort(list[i].Sealing)
	}
	return list
}

// AddSecret accepts a further secret, from now on. It does not seal with it. Adding
// one that is held changes nothing; another one under the same number is an
// error, and so is the same one under another number. The caller may erase the bytes afterwards. With Disk.KeepSecrets this, UseSecret and
// RemoveSecret return once the change is on disk; where it can't be, it holds all the same, is
// written as soon as the disk works, and the error is an ErrDisk.
func (e *Engine) AddSecret(k Secret) error {
	if err := k.check(); err != nil {
		return err
	}
	return e.turnSecret("secret added", k.ID, func(s *protect.Sealed) error { return s.Add(k.ID, k.Bytes) })
}

// UseSecret seals with one that was added, from now on. See Secrets.
func (e *Engine) UseSecret(id uint8) error {
	return e.turnSecret("secret in use", id, func(s *protect.Sealed) error { return s.Use(id) })
}

// RemoveSecret stops to accept a secret and erases it. The one that seals can't be
// removed. See Secrets.
func (e *Engine) RemoveSecret(id uint8) error {
	return e.turnSecret("secret removed", id, func(s *protect.Sealed) error { return s.Remove(id) })
}

func (e *Engine) turnSecret(what string, id uint8, turn func(*protect.Sealed) error) (err error) {
	k, state := &e.kept.secrets, []byte(nil)
	k.mu.Lock()
	defer k.mu.Unlock()
	ran := e.ask(func(now sched.Instant) {
		if e.core.Parts().Keys == nil {
			err = ErrNoSecrets
			return
		}
		if err = e.core.TurnKeys(now, turn); err == nil {
			e.turnStreamKeys()
			if e.cfg.Disk.KeepSecrets {
				state = e.core.Parts().Keys.AppendRing(nil)
			}
			e.herald.info(what, "member", e.cfg.Name, "secret", int(id))
		}
	})
	switch {
	case !ran:
		return ErrClosed
	case errors.Is(err, codec.ErrKey):
		return fmt.Errorf("engine: secret %d is not held: AddSecret it first: %w", id, ErrSecretMissing)
	case err != nil && err != ErrNoSecrets:
		return fmt.Errorf("engine: secret %d: %s", id, ringProblem(err))
	}
	if err == nil && state != nil {
		if kept := e.keepSecrets(state); kept != nil {
			return fmt.Errorf("engine: secret %d: the change holds, but is not on disk yet: %w", id, diskError(kept))
		}
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

// secretIDs is "1, 2".
func secretIDs(k codec.KeySet) string {
	var s []string
	for _, id := range k[:k.Len()] {
		s = append(s, fmt.Sprint(id))
	}
	return strings.Join(s, ", ")
}

// SecretError is the cause in a JoinError for a seed whose frames are sealed with
// a secret that this member does not hold.
type SecretError struct {
	ID   uint8   // the number of the one that is missing here
	Held []uint8 // those that are here
}

// Error says which secret is missing.
func (k *SecretError) Error() string {
	return fmt.Sprintf("engine: unknown secret %d (we hold %s): give this member that one", k.ID, strings.Trim(strings.ReplaceAll(fmt.Sprint(k.Held), " ", ", "), "[]"))
}

// Is makes errors.Is(err, ErrSecretMissing) true.
func (k *SecretError) Is(target error) bool { return target == ErrSecretMissing }
