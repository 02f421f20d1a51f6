package engine

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// SetLimits changes Keys, Tombstones, ValueBytes, KeysPerOrigin and
// BytesPerOrigin while the member runs. Zero fields stay as they are. A limit may
// go up to four times what it was at Start, or down: then nothing is dropped, and
// no more is taken until there is room. What was refused before is taken within a
// second. The other limits are those of Start. The error is a *ConfigError that
// names the field, or ErrClosed; then nothing changed.
func (e *Engine) SetLimits(l Limits) (err error) {
	if !e.ask(func(now sched.Instant) { err = e.setLimits(now, l) }) {
		return ErrClosed
	}
	return err
}

// setLimits is SetLimits on the loop.
func (e *Engine) setLimits(now sched.Instant, l Limits) error {
	is := e.store.Limits()
	c := e.cfg
	c.Limits.Keys, c.Limits.Tombstones, c.Limits.ValueBytes = cmp.Or(l.Keys, is.Keys), cmp.Or(l.Tombstones, is.Tombstones), cmp.Or(l.ValueBytes, is.ValueBytes)
	c.Limits.KeysPerOrigin, c.Limits.BytesPerOrigin = cmp.Or(l.KeysPerOrigin, e.limits.KeysPerOrigin), cmp.Or(l.BytesPerOrigin, e.limits.BytesPerOrigin)
	fixed := func(field string, v, want int) error {
		if v == 0 || v == want {
			return nil
		}
		return bad("Limits."+field, v, fmt.Sprintf("can't change while the member runs: it is %d", want), "set it at Start")
	}
	most := func(field string, v, at int) error {
		if v <= state.RaiseMax*at {
			return nil
		}
		return bad("Limits."+field, v, fmt.Sprintf("is more than %d times what it was at Start", state.RaiseMax), fmt.Sprintf("use at most %d", state.RaiseMax*at))
	}
	was := &e.cfg.Limits
	tombstones := cmp.Or(was.Tombstones, max(was.Keys/4, state.TombstonesMin))
	err := errors.Join(
		fixed("Origins", l.Origins, was.Origins), fixed("Introduced", l.Introduced, was.Introduced), fixed("Watchers", l.Watchers, was.Watchers),
		fixed("LargeBytes", l.LargeBytes, was.LargeBytes), fixed("ContentBytes", l.ContentBytes, was.ContentBytes),
		most("Keys", c.Limits.Keys, was.Keys), most("ValueBytes", c.Limits.ValueBytes, was.ValueBytes), most("Tombstones", c.Limits.Tombstones, tombstones),
		c.checkLimits(),
	)
	if err != nil {
		return err
	}
	e.limits.KeysPerOrigin, e.limits.BytesPerOrigin = c.Limits.KeysPerOrigin, c.Limits.BytesPerOrigin
	e.store.SetLimits(c.coreLimits().State)
	e.fullAt = 0
	e.core.Refill(now)
	e.stage.grant(e.room(now))
	return nil
}
