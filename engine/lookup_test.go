package engine_test

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestLookups: by name, of the living, of one key over all members, by prefix.
func TestLookups(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	for i, e := range c.Engines {
		set(t, e, "addr", fmt.Sprint("10.0.0.", i))
		set(t, e, "flag/a", "1")
		set(t, e, "flag/b", "2")
	}
	c.WaitConverged()
	e := c.Engines[0]
	if m, ok := e.Member("node-2"); !ok || m.Name != "node-2" || m.State != engine.StateAlive || m.Self {
		t.Errorf("%+v %v", m, ok)
	}
	if m, ok := e.Member("node-0"); !ok || !m.Self {
		t.Errorf("%+v %v", m, ok)
	}
	if m, ok := e.Member("nobody"); ok {
		t.Errorf("%+v", m)
	}
	if n := e.NumMembers(); n != 3 {
		t.Errorf("%d members", n)
	}
	all := map[string]string{}
	for name, entry := range e.All("addr") {
		all[name] = string(entry.Value)
	}
	if len(all) != 3 || all["node-1"] != "10.0.0.1" {
		t.Errorf("%v", all)
	}
	keys := ""
	for key, entry := range e.RangePrefix("node-1", "flag/") {
		keys += fmt.Sprintf("%s=%s ", key, entry.Value)
	}
	if keys != "flag/a=1 flag/b=2 " {
		t.Errorf("%q", keys)
	}
	c.Stop(2)
	eventually(t, "who left is not alive", func() bool {
		m, ok := e.Member("node-2")
		return ok && m.State == engine.StateLeft && e.NumMembers() == 2
	})
	e.Close()
	if _, ok := e.Member("node-0"); ok || e.NumMembers() != 0 {
		t.Error("a closed engine has members")
	}
}
