package engine

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/disk"
)

// TestNobodyIsThereBeforeTheStart: a disk that begins with a snapshot walks what others wrote to
// shared keys before the members are known for the first time. There are none then, and that is no
// crash.
func TestNobodyIsThereBeforeTheStart(t *testing.T) {
	var e Engine
	for m := range e.Members() {
		t.Errorf("%s is there", m.Name)
	}
	if m, ok := e.Member("web-1"); ok {
		t.Errorf("%+v", m)
	}
	e.walkWinners(func(r *disk.Record) bool {
		t.Errorf("%q is held", r.Key)
		return true
	})
}
