package engine_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestBadInputSaysWhatToDo: whatever a caller may not ask for gets a sentinel, the value, and what
// to do, and changes nothing.
func TestBadInputSaysWhatToDo(t *testing.T) {
	lifes := enginetest.Options{Config: func(i int, c *engine.Config) { // in virtual time all begin in the same nanosecond
		c.Generation = uint64(time.Now().UnixNano() + int64(i))
	}}
	virtual(t, 2, lifes, func(t *testing.T, c *enginetest.Cluster) {
		e, ctx := c.Engines[0], t.Context()
		f := func(what string, err, want error, texts ...string) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
				return
			}
			for _, text := range texts {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%s: %q does not say %q", what, err, text)
				}
			}
		}
		own := set(t, e, "k", "v")
		foreign := set(t, c.Engines[1], "k", "v")
		c.WaitConverged()
		before := e.Stats().Fingerprint

		for ttl, texts := range map[time.Duration][]string{
			0: {"time to live 0s", "above 0", "use Set"}, -time.Second: {"time to live -1s", "above 0", "use Set"},
			math.MinInt64: {"above 0"}, math.MaxInt64: {"at most 1193h2m47.295s", "use at most that"},
			engine.TTLMax + 1: {"1193h2m47.295000001s", "use at most that"},
		} {
			_, err := e.SetTTL("t", nil, ttl)
			f("SetTTL", err, engine.ErrTTL, texts...)
			_, err = e.Shared().SetTTL("t", nil, ttl)
			f("Shared.SetTTL", err, engine.ErrTTL, texts...)
		}

		for _, v := range []struct {
			version engine.Version
			text    string
		}{
			{engine.Version{}, "names no write"},
			{engine.Version{Gen: own.Gen}, "not of a life"},
			{engine.Version{Gen: own.Gen, Seq: own.Seq + 1}, "not given out yet"},
			{engine.Version{Gen: own.Gen - 1, Seq: own.Seq}, "not of a life"},
			{engine.Version{Gen: own.Gen + 1, Seq: own.Seq}, "not of a life"},
			{engine.Version{Gen: foreign.Gen, Seq: 1}, "not of a life"},
		} {
			texts := []string{v.version.String(), v.text, own.String(), "use what a write here returned"}
			f("WaitVersion", e.WaitVersion(ctx, v.version), engine.ErrVersion, texts...)
			f("WaitSynced", e.WaitSynced(ctx, v.version), engine.ErrVersion, texts...)
			_, err := e.Acked(v.version)
			f("Acked", err, engine.ErrVersion, texts...)
			_, _, err = e.Confirmed(v.version)
			f("Confirmed", err, engine.ErrVersion, texts...)
		}
		_, err := e.Shared().SetIf(ctx, "s", engine.SharedVersion{Epoch: 7, Stamp: 7, Author: 7}, nil)
		f("SetIf of what never was", err, engine.ErrConflict, `"s" holds nothing`, "read it and decide again")

		limits := e.Stats()
		for _, l := range []struct {
			limits engine.Limits
			texts  []string
		}{
			{engine.Limits{Keys: -1}, []string{"Limits.Keys -1", "use 1 to"}},
			{engine.Limits{ValueBytes: 100}, []string{"Limits.ValueBytes 100", "use 16384 to"}},
			{engine.Limits{Tombstones: -5}, []string{"Limits.Tombstones -5"}},
			{engine.Limits{Keys: 10, KeysPerOrigin: 11}, []string{"Limits.KeysPerOrigin 11", "more than Limits.Keys 10", "lower it"}},
			{engine.Limits{ValueBytes: 16384, BytesPerOrigin: 20000}, []string{"Limits.BytesPerOrigin 20000", "more than Limits.ValueBytes 16384", "lower it"}},
			{engine.Limits{BytesPerOrigin: 5}, []string{"Limits.BytesPerOrigin 5", "less than one entry", "use at least"}},
			{engine.Limits{Origins: 7}, []string{"Limits.Origins 7", "set it at Start"}},
			{engine.Limits{Keys: math.MaxInt}, []string{"Limits.Keys", "times what it was at Start", "use at most"}},
		} {
			f("SetLimits", e.SetLimits(l.limits), engine.ErrConfig, l.texts...)
			config := engine.Local()
			config.Name, config.Limits = "other", l.limits
			config.Reactor = nil
			if l.limits.Origins == 0 {
				_, err := engine.Start(ctx, config)
				f("Start", err, engine.ErrConfig, l.texts[0])
			}
		}
		if now := e.Stats(); now.Fingerprint != before || now.Footprint != limits.Footprint {
			t.Error("bad input changed something")
		}
	})
}

// TestVersionsOfAnotherLife: a restarted member does not answer for what its former life wrote.
func TestVersionsOfAnotherLife(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		old := set(t, c.Engines[0], "k", "v")
		c.WaitConverged()
		c.Kill(0)
		pause(time.Second)
		c.Restart(0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for range 2 * old.Seq {
			set(t, c.Engines[0], "k", "w")
		}
		var wrong *engine.VersionError
		if err := c.Engines[0].WaitVersion(ctx, old); !errors.As(err, &wrong) || wrong.Version != old || wrong.Last.Gen <= old.Gen {
			t.Errorf("%v", err)
		}
	})
}
