package main

import (
	"strings"
	"testing"
	"time"
)

// A member joins one that holds much over links that lose datagrams, or all kinds of packets, with
// streams and without, and has all: what the table is made of.
func TestMembersJoinOverLossyLinks(t *testing.T) {
	w, err := newWire(1, 1)
	allowed(t, err)
	w.close()
	cells := []joinCell{{100_000_000, 0.05, false}, {100_000_000, 0.05, true}}
	var table strings.Builder
	if err := joinTable(t.Context(), &table, 3000, time.Minute, cells); err != nil || strings.Contains(table.String(), "not level") {
		t.Errorf("%v\n%s", err, table.String())
	}
	table.Reset() // who is not level in time is shown, and the table goes on
	if err := joinTable(t.Context(), &table, 3000, time.Millisecond, cells); err != nil || strings.Count(table.String(), "not level within 1ms") != 4 {
		t.Errorf("%v\n%s", err, table.String())
	}
}
