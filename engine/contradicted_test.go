package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestWhoeverLiesAboutAnotherIsNamed: a member is told what another one will have written.
// A second later it shows what that one wrote, and an event and one line of the log, however
// often it is lied to, name who said so.
func TestWhoeverLiesAboutAnotherIsNamed(t *testing.T) {
	var r recorder
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 1 {
			r.attach(c)
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		author, victim := c.Engines[0], c.Engines[1]
		set(t, author, "k", "true")
		c.WaitConverged()
		pause(time.Second)
		for i := range 5 {
			victim.Lie("node-2", "node-0", "k", "forged", 3)
			if v, _, _ := victim.Get("node-0", "k"); string(v) != "forged" {
				t.Fatalf("%q: nobody was lied to", v)
			}
			for range 3 {
				set(t, author, "other", fmt.Sprint(i)) // it catches up before it hears of it
			}
			pause(time.Second)
			for key, want := range map[string]string{"k": "true", "other": fmt.Sprint(i)} {
				if v, _, _ := victim.Get("node-0", key); string(v) != want {
					t.Errorf("round %d: %s is %q", i, key, v)
				}
			}
		}
		if s := victim.Stats().Checkpoints; s.Contradicted < 5 || s.Differed < 5 || s.Equal == 0 {
			t.Errorf("%+v", s)
		}
		if l := victim.Stats().Checkpoints.Liars; len(l) != 1 || l[0] != (engine.Liar{Member: "node-2", Times: 1}) {
			t.Errorf("liars %+v", l)
		}
		if l := author.Stats().Checkpoints.Liars; len(l) != 0 {
			t.Errorf("the author was lied to by %+v", l)
		}
		if n := author.Stats().Renewals; n > 0 {
			t.Errorf("the author took another life: the test shows nothing")
		}
		events := r.of(engine.EventContradicted, "")
		if len(events) != 1 || events[0].Member.Name != "node-2" || !strings.Contains(fmt.Sprint(events[0].Cause), `"node-0"`) || errors.Unwrap(events[0].Cause) != nil {
			t.Errorf("events %+v", events)
		}
	})
	if n := strings.Count(r.log.String(), "level=WARN"); n != 1 || !strings.Contains(r.log.String(), "member-contradicted") {
		t.Errorf("%d warnings:\n%s", n, r.log.String())
	}
}

// TestLiarsAreBounded: of however many members lie, 32 are named, each with what it did; all
// the others are counted together.
func TestLiarsAreBounded(t *testing.T) {
	var names []string
	for range 3 {
		for i := range 40 {
			names = append(names, fmt.Sprint("liar-", i))
		}
	}
	all := engine.Blame(names...)
	if len(all) != 33 {
		t.Fatalf("%d rows", len(all))
	}
	for i, l := range all {
		want := engine.Liar{Member: fmt.Sprint("liar-", i), Times: 3}
		if i == 32 {
			want = engine.Liar{Times: 24}
		}
		if l != want {
			t.Errorf("%+v, want %+v", l, want)
		}
	}
}
