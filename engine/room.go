package engine

import (
	"context"
	"time"
)

// roomLook is how often the rate is looked at while somebody waits for it: it changes.
const roomLook = 100 * time.Millisecond

// WaitRoom returns when a write that got ErrBackpressure may be tried again: when the loop has
// taken what was staged at the call and, where Config.Throttle is ThrottleRefuse, the rate allows
// another write. It reserves nothing: where many write, others may come before.
//
//	v, err := e.Set(key, value)
//	for errors.Is(err, engine.ErrBackpressure) {
//		if err = e.WaitRoom(ctx); err == nil {
//			v, err = e.Set(key, value)
//		}
//	}
//
// Errors: ctx.Err(), ErrNameConflict, ErrClosed.
func (e *Engine) WaitRoom(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.done == nil {
		return ErrClosed // Start did not make it
	}
	if emptied := e.stage.empties(); emptied != nil {
		select {
		case <-emptied:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		after, err := e.stage.opens()
		if err != nil || after <= 0 {
			return err
		}
		timer := time.NewTimer(min(after, roomLook))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// empties is closed when what is staged is taken; nil where nothing is.
func (s *stage) empties() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.front.used == 0 {
		return nil
	}
	if s.emptied == nil {
		s.emptied = make(chan struct{})
	}
	return s.emptied
}

// opens tells after what time the rate allows another write, or why none is taken any more.
func (s *stage) opens() (after time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || !s.gate.bounded {
		return 0, s.err
	}
	return time.Duration(s.gate.gate.When() - s.gate.clock()), nil
}

// tellEmptied wakes those who wait for room, under mu.
func (s *stage) tellEmptied() {
	if s.emptied != nil {
		close(s.emptied)
		s.emptied = nil
	}
}
