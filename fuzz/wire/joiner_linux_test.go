package main

import "testing"

// A member joins one that holds much over links that lose datagrams, or all kinds of packets, with
// streams and without, and has all: what the table is made of.
func TestMembersJoinOverLossyLinks(t *testing.T) {
	w, err := newWire(1, 1)
	allowed(t, err)
	w.close()
	cells := []joinCell{{100_000_000, 0.05, false}, {100_000_000, 0.05, true}}
	if err := joinTable(t.Context(), t.Output(), 3000, cells); err != nil {
		t.Error(err)
	}
}
