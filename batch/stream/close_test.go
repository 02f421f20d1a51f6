package stream

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

// left is what an ended instance must not leave behind.
type left struct {
	descriptors int
	waiting     int // goroutines of gnet that wait for a loop
	loops       int // of gnet
}

func leftNow(t *testing.T) (l left) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return left{descriptors: len(list), waiting: strings.Count(string(stacks), "(*eventloop).enroll"), loops: strings.Count(string(stacks), "(*Poller).Polling")}
}

// nothingNew waits until no more is left than there was.
func nothingNew(t *testing.T, before left) {
	t.Helper()
	var now left
	for limit := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		if now = leftNow(t); now.descriptors <= before.descriptors && now.waiting <= before.waiting && now.loops <= before.loops {
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

// An instance that ends while others dial it leaves no connection open of those that it took in.
func TestEndsAmongThoseWhoDialLeaveNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("see the package documentation, Limits of gnet")
	}
	const rounds, crowd = 60, 8
	var at atomic.Pointer[string]
	var over atomic.Bool
	var all sync.WaitGroup
	start := func() *end {
		e := open(t, Options{}, nil)
		addr := e.peer().Addr.String()
		at.Store(&addr)
		return e
	}
	start().s.Close()
	before := leftNow(t)
	for range crowd {
		all.Go(func() {
			for !over.Load() {
				c, err := net.Dial("tcp", *at.Load())
				if err != nil {
					runtime.Gosched()
					continue
				}
				_ = c.(*net.TCPConn).SetLinger(0) // no port is kept for it
				c.Close()
			}
		})
	}
	for range rounds {
		e := start()
		<-time.After(3 * time.Millisecond)
		if err := e.s.Close(); err != nil {
			t.Error(err)
		}
	}
	over.Store(true)
	all.Wait()
	nothingNew(t, before)
}

// An instance that ends says nothing worse than debug, whatever gnet calls it.
func TestAnEndIsNoError(t *testing.T) {
	var said bytes.Buffer
	e := open(t, Options{Logger: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelInfo}))}, nil)
	if err := e.s.Close(); err != nil || said.Len() > 0 {
		t.Errorf("%v, said %s", err, said.String())
	}
}
