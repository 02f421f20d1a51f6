package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// memberAt is a member as e sees it.
func memberAt(e *engine.Engine, name string) (found engine.Member) {
	for m := range e.Members() {
		if m.Name == name {
			found = m
		}
	}
	return found
}

func TestZoneAndTagsArriveEverywhere(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{Config: func(i int, c *engine.Config) {
		c.Zone = fmt.Sprint("rack-", i)
		c.Tags = map[string]string{"role": "web", "weight": fmt.Sprint(i)}
	}})
	c.WaitConverged()
	for _, e := range c.Engines {
		for i := range c.Engines {
			m := memberAt(e, fmt.Sprint("node-", i))
			if m.Zone != fmt.Sprint("rack-", i) || m.Tags["role"] != "web" || m.Tags["weight"] != fmt.Sprint(i) {
				t.Errorf("%s sees %+v", e.Name(), m)
			}
			if m.Self != (e.Name() == m.Name) || m.Since.IsZero() || time.Since(m.Since) > time.Minute {
				t.Errorf("%s sees %+v", e.Name(), m)
			}
		}
		for key := range e.Range("node-1") {
			t.Errorf("a reserved key shows: %q", key)
		}
	}
	want := map[string]string{"role": "db", "leader": ""}
	if err := c.Engines[1].SetTags(want); err != nil {
		t.Fatal(err)
	}
	c.WaitConverged()
	for _, e := range c.Engines {
		eventually(t, "the new tags are there", func() bool { return maps.Equal(memberAt(e, "node-1").Tags, want) })
	}
	v := set(t, c.Engines[1], "k", "v")
	if err := c.Engines[1].SetTags(want); err != nil {
		t.Fatal(err)
	}
	if w := set(t, c.Engines[1], "k", "w"); w.Seq != v.Seq+1 {
		t.Errorf("tags that are the same were written: %v, then %v", v, w)
	}
}

func TestBadTags(t *testing.T) {
	e := startOne(t, "a", nil)
	f := func(tags map[string]string, text string) {
		t.Helper()
		if err := e.SetTags(tags); !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v", err)
		}
	}
	f(map[string]string{"": "v"}, `Config.Tags[""]`)
	f(map[string]string{strings.Repeat("x", 65): "v"}, "at most 64 bytes")
	f(map[string]string{"a": strings.Repeat("x", 513)}, "at most 512")
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint(i)] = ""
	}
	f(many, "at most 64")
	e.Close()
	if err := e.SetTags(map[string]string{"a": "b"}); !errors.Is(err, engine.ErrClosed) {
		t.Error(err)
	}
}

// What fits is kept even where no user key fits any more, and a full member can
// still leave.
func TestFullMemberStillDeclares(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{Config: func(i int, c *engine.Config) { c.Limits.Keys = 50 }})
	for i := 0; ; i++ {
		if _, err := c.Engines[1].Set(fmt.Sprint(i), nil); err != nil {
			break
		}
	}
	if err := c.Engines[1].SetTags(map[string]string{"full": "yes"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its tag arrives", func() bool { return memberAt(c.Engines[0], "node-1").Tags["full"] == "yes" })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.Engines[1].Leave(ctx); err != nil {
		t.Error(err)
	}
	eventually(t, "it has left", func() bool { return stateOf(c.Engines[0], "node-1") == engine.StateLeft })
}

func TestPing(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 10 {
		if d, err := c.Engines[0].Ping(ctx, "node-2"); err != nil || d <= 0 || d > time.Second {
			t.Errorf("%v %v", d, err)
		}
	}
	if d, err := c.Engines[0].Ping(ctx, "node-0"); err != nil || d != 0 {
		t.Errorf("oneself: %v %v", d, err)
	}
	if _, err := c.Engines[0].Ping(ctx, "nobody"); !errors.Is(err, engine.ErrNoMember) {
		t.Errorf("nobody: %v", err)
	}
	c.Partition([]int{2})
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := c.Engines[0].Ping(short, "node-2"); !errors.Is(err, engine.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("behind a cut: %v", err)
	}
	c.Engines[0].Close()
	if _, err := c.Engines[0].Ping(ctx, "node-1"); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestExplain(t *testing.T) {
	virtual(t, 5, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		pause(5 * time.Second)
		x, err := c.Engines[0].Explain("node-3")
		if err != nil || x.Member.State != engine.StateAlive || !x.Watched || x.Heard.IsZero() || x.Observers != 4 || len(x.Voters) != 0 {
			t.Errorf("alive: %v, %v", x, err)
		}
		if x.Member.RTT <= 0 || x.Member.RTT > 5*time.Millisecond || x.Member.Phi > 2 {
			t.Errorf("alive: rtt %v phi %v", x.Member.RTT, x.Member.Phi)
		}
		died := time.Now()
		c.Kill(3)
		pause(4 * time.Second)
		x, err = c.Engines[0].Explain("node-3")
		if err != nil || x.Member.State != engine.StateDead || x.Member.By == "" || x.Asked != "node-0" {
			t.Errorf("dead: %v, %v", x, err)
		}
		if d := x.Member.Since.Sub(died); d <= 0 || d > 3*time.Second {
			t.Errorf("dead since %v after its end", d)
		}
		if d := x.Heard.Sub(died); d > 100*time.Millisecond || d < -time.Second {
			t.Errorf("last heard %v after its end", d)
		}
		if m := memberAt(c.Engines[0], "node-3"); m.Phi < 3 {
			t.Errorf("phi of the dead is %v", m.Phi)
		}
		for _, part := range []string{"node-3 at ", " is dead to node-0", "told by node-", "own health"} {
			if !strings.Contains(x.String(), part) {
				t.Errorf("%q has no %q", x, part)
			}
		}
		t.Log(x)
		if _, err := c.Engines[0].Explain("nobody"); !errors.Is(err, engine.ErrNoMember) {
			t.Error(err)
		}
	})
}

// next takes the next event of a kind.
func next(t *testing.T, events <-chan engine.Event, kind engine.EventKind, name string) engine.Event {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case ev := <-events:
			if ev.Kind == kind && (name == "" || ev.Member.Name == name) {
				return ev
			}
		case <-limit:
			t.Fatalf("no %v of %q", kind, name)
		}
	}
}

func TestEvents(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	events, ended := make(chan engine.Event, 1000), make(chan error, 1)
	go func() {
		for ev, err := range c.Engines[0].Events(ctx) {
			if err != nil {
				ended <- err
				return
			}
			events <- ev
		}
	}()
	for i := range 3 {
		next(t, events, engine.EventResync, fmt.Sprint("node-", i))
	}
	if err := c.Engines[1].SetTags(map[string]string{"a": "1", "b": "2"}); err != nil {
		t.Fatal(err)
	}
	if ev := next(t, events, engine.EventUpdated, "node-1"); ev.Member.Tags["a"] != "1" || ev.Member.Tags["b"] != "2" {
		t.Errorf("%+v", ev)
	}
	c.Kill(2)
	if ev := next(t, events, engine.EventDead, "node-2"); ev.Member.State != engine.StateDead || ev.Member.By == "" {
		t.Errorf("%+v", ev)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, err := range c.Engines[2].Events(context.Background()) {
		if !errors.Is(err, engine.ErrClosed) {
			t.Error(err)
		}
	}
}

// A reader that does not read holds nobody up, is told that it missed something,
// and then is given everything as it is.
func TestSlowReaderOfEventsIsResynced(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{})
	var resynced []engine.Event
	overflowed := false
	last := map[string]string{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ev, err := range c.Engines[0].Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if len(last) == 0 { // the first event: be slow
			for i := range 300 {
				last = map[string]string{"n": fmt.Sprint(i)}
				if err := c.Engines[1].SetTags(last); err != nil {
					t.Fatal(err)
				}
				c.WaitConverged()
			}
		}
		if ev.Kind == engine.EventOverflow {
			overflowed = true
		}
		if overflowed && ev.Kind == engine.EventResync {
			resynced = append(resynced, ev)
			if ev.Member.Name == "node-1" {
				if !maps.Equal(ev.Member.Tags, last) {
					t.Errorf("after the overflow it has %v, want %v", ev.Member.Tags, last)
				}
				break
			}
		}
	}
	if len(resynced) != 2 {
		t.Errorf("%d members after the overflow", len(resynced))
	}
}

// A member that declares another address is greeted there, and moves when it
// answers there; one that does not answer there stays where it is.
func TestSetAdvertise(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	was := c.Engines[1].Addr()
	nowhere := netip.MustParseAddrPort("127.0.0.1:9")
	if err := c.Engines[1].SetAdvertise(nowhere); err != nil {
		t.Fatal(err)
	}
	set(t, c.Engines[1], "k", "v")
	c.WaitConverged()
	for _, e := range c.Engines {
		if m := memberAt(e, "node-1"); m.Addr != was || m.State != engine.StateAlive {
			t.Errorf("%s: %v at %v", e.Name(), m.State, m.Addr)
		}
	}
	for _, bad := range []string{"0.0.0.0:1", "127.0.0.1:0", "224.0.0.1:1", "[ff02::1]:1", "255.255.255.255:1"} {
		if err := c.Engines[1].SetAdvertise(netip.MustParseAddrPort(bad)); !errors.Is(err, engine.ErrConfig) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
