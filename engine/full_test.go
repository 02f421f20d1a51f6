package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// oneSmall gives member 3 limits of a tenth of those of the others.
func oneSmall(set func(l *engine.Limits, tenths int)) enginetest.Options {
	return enginetest.Options{Config: func(i int, c *engine.Config) {
		if set(&c.Limits, 10); i == 3 {
			set(&c.Limits, 1)
		}
	}}
}

var smallBy = []struct {
	name string
	set  func(l *engine.Limits, tenths int)
}{
	{"Keys", func(l *engine.Limits, n int) { l.Keys = 200 * n }},
	{"ValueBytes", func(l *engine.Limits, n int) { l.ValueBytes = 64 << 10 * n }},
	{"KeysPerOrigin", func(l *engine.Limits, n int) { l.KeysPerOrigin = 50 * n }},
	{"BytesPerOrigin", func(l *engine.Limits, n int) { l.BytesPerOrigin = 20_000 * n }},
}

// heartbeats lets every member write its heartbeat each 200 ms, and gives the bytes that all sent
// together meanwhile.
func heartbeats(t *testing.T, c *enginetest.Cluster, beats *int, span time.Duration) (sent uint64) {
	t.Helper()
	before := uint64(0)
	for _, e := range c.Engines {
		before += e.Stats().BytesSent
	}
	for end := time.Now().Add(span); time.Now().Before(end); pause(200 * time.Millisecond) {
		*beats++
		for _, e := range c.Engines {
			if _, err := e.Set("heartbeat", fmt.Append(nil, *beats)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, e := range c.Engines {
		sent += e.Stats().BytesSent
	}
	return sent - before
}

// TestFullMember: one of four members has a tenth of the others' limits, whichever limit it is. The
// cluster does not pay for it: its traffic is within 1.5 times of what it is without that member's
// want. Heartbeats of all are fresh at it, deletes and overwrites come to it, everybody knows that
// it is full, waits say so at once, and it is equal within a second of raising its limit.
func TestFullMember(t *testing.T) {
	for _, by := range smallBy {
		t.Run(by.name, func(t *testing.T) {
			var usual uint64
			for _, small := range []bool{false, true} {
				o := oneSmall(by.set)
				if !small {
					o = enginetest.Options{Config: func(_ int, c *engine.Config) { by.set(&c.Limits, 10) }}
				}
				virtual(t, 4, o, func(t *testing.T, c *enginetest.Cluster) {
					full, beats := c.Engines[3], 0
					heartbeats(t, c, &beats, time.Second)
					for _, e := range c.Engines[:3] {
						for k := range 150 {
							set(t, e, fmt.Sprint("config/", k), string(make([]byte, 400)))
						}
					}
					pause(5 * time.Second)
					sent := heartbeats(t, c, &beats, 20*time.Second)
					if !small {
						usual = sent
						return
					}
					t.Logf("traffic %.2f times the usual", float64(sent)/float64(usual))
					if 2*sent > 3*usual {
						t.Errorf("%d bytes in 20 s, %d without a full member", sent, usual)
					}
					everybodyKnows(t, c, full.Name())
					if n := full.Stats(); n.Holes == 0 || c.Engines[0].Stats().FullMembers != 1 {
						t.Errorf("stats: %d holes, %d full members", n.Holes, c.Engines[0].Stats().FullMembers)
					}
					pause(time.Second)
					for _, e := range c.Engines {
						if v, _, _ := full.Get(e.Name(), "heartbeat"); string(v) != fmt.Sprint(beats) {
							t.Errorf("the heartbeat of %s is %q there, not %d", e.Name(), v, beats)
						}
					}
					waitsSayFull(t, c.Engines[0], full.Name())
					raise(t, c, full, func(l *engine.Limits) { by.set(l, 4) })
				})
			}
		})
	}
}

// everybodyKnows: Members of all say that this one is full, and nobody else.
func everybodyKnows(t *testing.T, c *enginetest.Cluster, name string) {
	t.Helper()
	for _, e := range c.Engines {
		for m := range e.Members() {
			if m.Full != (m.Name == name) || m.Full && m.Missing == 0 {
				t.Errorf("at %s, %s is full: %v, with %d missing", e.Name(), m.Name, m.Full, m.Missing)
			}
		}
	}
}

// waitsSayFull: what can't come true is told within a second, by name.
func waitsSayFull(t *testing.T, e *engine.Engine, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	v, err := e.Set("waited-for", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"WaitVersion": e.WaitVersion(ctx, v), "WaitConverged": e.WaitConverged(ctx)} {
		var full *engine.MemberFullError
		if !errors.As(err, &full) || !errors.Is(err, engine.ErrMemberFull) || !slices.Equal(full.Members, []string{name}) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// raise: a second after it has more room the member is equal, and everybody knows.
func raise(t *testing.T, c *enginetest.Cluster, full *engine.Engine, set func(l *engine.Limits)) {
	t.Helper()
	var l engine.Limits
	set(&l)
	if err := full.SetLimits(l); err != nil {
		t.Fatal(err)
	}
	pause(time.Second)
	if a, b := full.Stats(), c.Engines[0].Stats(); a.Fingerprint != b.Fingerprint || a.Holes != 0 {
		t.Errorf("a second after its limit was raised it has %d keys of %d, %d holes", a.Keys, b.Keys, a.Holes)
	}
	pause(3 * time.Second)
	for _, e := range c.Engines {
		for m := range e.Members() {
			if m.Full {
				t.Errorf("at %s, %s is full", e.Name(), m.Name)
			}
		}
	}
}

// TestFullMemberWhateverTheWay: however news travels, and when some of it is lost, a full member
// has what takes no more room than before, and is equal when there is room.
func TestFullMemberWhateverTheWay(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		for _, loss := range []float64{0, 0.05} {
			t.Run(fmt.Sprintf("%v, loss %v", spread, loss), func(t *testing.T) {
				o := oneSmall(smallBy[0].set)
				small := o.Config
				o.Config = func(i int, c *engine.Config) { small(i, c); c.Tune.Spread = spread }
				virtual(t, 4, o, func(t *testing.T, c *enginetest.Cluster) {
					for _, e := range c.Engines[:3] {
						for k := range 150 {
							set(t, e, fmt.Sprint("config/", k), "old")
						}
					}
					pause(10 * time.Second)
					full := c.Engines[3]
					if full.Stats().Holes == 0 {
						t.Fatal("it is not full")
					}
					c.Loss(loss)
					for k := range 150 {
						for _, e := range c.Engines[:3] {
							set(t, e, fmt.Sprint("config/", k), "new")
						}
						pause(10 * time.Millisecond)
					}
					pause(20 * time.Second)
					for _, e := range c.Engines[:3] {
						for key, entry := range full.Range(e.Name()) {
							if string(entry.Value) != "new" {
								t.Fatalf("%s of %s is %q", key, e.Name(), entry.Value)
							}
						}
					}
					c.Loss(0)
					if err := full.SetLimits(engine.Limits{Keys: 800}); err != nil {
						t.Fatal(err)
					}
					pause(2 * time.Second)
					if a, b := full.Stats(), c.Engines[0].Stats(); a.Fingerprint != b.Fingerprint {
						t.Errorf("it has %d keys of %d, %d holes", a.Keys, b.Keys, a.Holes)
					}
				})
			})
		}
	}
}
