package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quidnunc/quidnunc/engine/share"
)

// Errors of shared keys.
var (
	// ErrConflict matches a *ConflictError.
	ErrConflict = errors.New("engine: shared: another write came first")
	// ErrClockOffset matches a *ClockError.
	ErrClockOffset = errors.New("engine: shared: this member's clock can't be right")
)

// ConflictError says that a shared key holds something else than a write needed.
type ConflictError struct {
	Key  string
	Have SharedVersion // what it holds; zero: nothing, and never did as far as is known
}

// Error names the key and what it holds.
func (e *ConflictError) Error() string {
	if e.Have.IsZero() {
		return fmt.Sprintf("engine: shared: %q holds nothing that is known here: read it and decide again", e.Key)
	}
	return fmt.Sprintf("engine: shared: %q holds the write of %v: read it and decide again", e.Key, e.Have.Time())
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// ClockError says by how much the wall clock of this member seems to be off: negative
// when it is behind. Nothing was written: the stamp would poison the key, or lose.
type ClockError struct{ Offset time.Duration }

// Error names the offset and what to do.
func (e *ClockError) Error() string {
	return fmt.Sprintf("engine: shared: the clock of this member is off by %v: set it right", e.Offset)
}

// Is makes errors.Is(err, ErrClockOffset) true.
func (e *ClockError) Is(target error) bool { return target == ErrClockOffset }

// Provisional is a first write that is not confirmed.
type Provisional struct {
	Version Version // in the log of this member
	Write   SharedVersion

	s   *Shared
	key string
}

// SetOnce writes a shared key that holds nothing: of several members that do so, the
// one with the earliest clock wins, so the answer is provisional, and even Confirm is
// a tie-break and no lock: a member that was cut off may turn it over once it is back.
// A *ConflictError says that the key holds something already; else errors as for Set, and
// ErrMergeRule.
func (s *Shared) SetOnce(key string, value []byte) (Provisional, error) {
	p := Provisional{s: s, key: key}
	is, v, err := s.writeAs(key, value, 0, func(c, now *share.Claim) error {
		switch {
		case now.Author != 0 && !now.Deleted:
			return &ConflictError{Key: key, Have: sharedVersion(now)}
		case c.Order != 0 || now.Order != 0:
			return ErrMergeRule
		}
		c.Epoch, c.First = now.Epoch, true
		if now.Author != 0 {
			c.Epoch++
		}
		return nil
	})
	p.Version, p.Write = v, is
	return p, err
}

// Confirm waits until every live member has the write, and tells whether it is still
// the one that the key holds: else a *ConflictError. Errors also as for WaitVersion.
func (p *Provisional) Confirm(ctx context.Context) error {
	if p.s == nil {
		return &VersionError{} // SetOnce did not make it
	}
	return p.s.confirm(ctx, p.Version, p.key, p.Write)
}

// SetIf is no consensus: it writes if the key still holds old here, waits until every
// live member has the write, and then looks whether it still wins; two members that
// are cut off from each other may both succeed, and one of them be overtaken later. The
// zero old means that the key must hold nothing. It returns the write, to go on from. A
// *ConflictError says what the key holds instead, before or after; then nothing was
// written, or what was written has lost. Errors also as for Set and WaitVersion: the
// write may then win yet.
func (s *Shared) SetIf(ctx context.Context, key string, old SharedVersion, value []byte) (SharedVersion, error) {
	is, v, err := s.writeAs(key, value, 0, func(c, now *share.Claim) error {
		if now.Author == 0 && !old.IsZero() || now.Author != 0 && sharedVersion(now) != old && !(old.IsZero() && now.Deleted) {
			return &ConflictError{Key: key, Have: sharedVersion(now)}
		}
		return lastWrite(c, now)
	})
	if err != nil {
		return SharedVersion{}, err
	}
	return is, s.confirm(ctx, v, key, is)
}

// confirm waits for an own write and tells whether it still wins.
func (s *Shared) confirm(ctx context.Context, v Version, key string, is SharedVersion) error {
	if err := s.e.WaitVersion(ctx, v); err != nil {
		return err
	}
	if _, have, _ := s.Get(key); have != is { // two members may write at one instant: their stamps are equal then
		return &ConflictError{Key: key, Have: have}
	}
	return nil
}
