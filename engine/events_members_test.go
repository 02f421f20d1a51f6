package engine_test

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestMembersHaveWhatEventsTold: whoever waits on events until Members shows something never waits
// for an event that does not come: what was told is there.
func TestMembersHaveWhatEventsTold(t *testing.T) {
	const members = 12
	c := enginetest.NewCluster(t, members, enginetest.Options{Apart: true})
	for _, e := range c.Engines[1:] {
		if _, err := e.Join(t.Context(), c.Engines[0].Addr().String()); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range c.Engines {
		for ev, err := range e.Events(t.Context()) {
			if err != nil {
				t.Fatalf("%s: %d members after the last event: %v", e.Name(), e.NumMembers(), err)
			}
			if m, ok := e.Member(ev.Member.Name); !ok || m.Generation < ev.Member.Generation {
				t.Errorf("%s: %s of %q was told, Member gives %+v, %v", e.Name(), ev.Kind, ev.Member.Name, m, ok)
			}
			if e.NumMembers() == members {
				break
			}
		}
	}
}
