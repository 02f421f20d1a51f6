package stream

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

// left is what an ended instance must not leave behind.
type left struct {
	descriptors int
	waiting     int // goroutines of gnet that wait for a loop
}

func leftNow(t *testing.T) (l left) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return left{descriptors: len(list), waiting: strings.Count(string(stacks), "(*eventloop).enroll")}
}

// nothingNew waits until no more is left than there was.
func nothingNew(t *testing.T, before left) {
	t.Helper()
	var now left
	for limit := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		if now = leftNow(t); now.descriptors <= before.descriptors && now.waiting <= before.waiting {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%+v stay, before there were %+v", now, before)
		}
	}
}

// An instance that ends while it dials leaves nothing behind, wherever its dials are then.
func TestEndsAmongDialsLeaveNothing(t *testing.T) {
	const rounds, dials = 60, 64
	b := open(t, Options{}, nil)
	a := open(t, Options{}, nil)
	pair(t, a, b) // what the process makes once is there
	a.s.Close()
	before := leftNow(t)
	for i := range rounds {
		a := open(t, Options{StreamsOut: dials}, nil)
		for range dials {
			if _, err := a.s.Open(b.peer()); err != nil {
				t.Fatal(err)
			}
		}
		for range i % 20 * 4 {
			runtime.Gosched()
		}
		if err := a.s.Close(); err != nil {
			t.Fatal(err)
		}
		for e := (batch.StreamEvent{}); b.s.Next(&e); {
			b.s.Release(&e)
		}
	}
	nothingNew(t, before)
}
