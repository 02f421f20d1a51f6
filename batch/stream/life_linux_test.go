package stream

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

// lines are what an instance says.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// exhaust takes all descriptors that the process may have, but some, until back gives them back.
func exhaust(t *testing.T, free int) (back func()) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	low := limit
	low.Cur = 512
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Skip(err)
	}
	var all []int
	for {
		fd, err := syscall.Dup(0)
		if err != nil {
			break
		}
		all = append(all, fd)
	}
	for range min(free, len(all)) {
		syscall.Close(all[0])
		all = all[1:]
	}
	return func() {
		for _, fd := range all {
			syscall.Close(fd)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
}

// endByExhaustion has whoever listens on a port accept a connection while there is no descriptor.
func endByExhaustion(t *testing.T, port uint16) (back func()) {
	t.Helper()
	knock, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := exhaust(t, 0)
	if err = syscall.Connect(knock, &syscall.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		all()
		t.Fatal(err)
	}
	return func() {
		all()
		syscall.Close(knock)
	}
}

// While there are too few descriptors to begin again with, attempts leave nothing behind.
func TestTooFewDescriptorsLeaveNothing(t *testing.T) {
	a := open(t, Options{}, nil)
	b := open(t, Options{}, nil)
	pair(t, a, b)
	before := leftNow(t)
	back := endByExhaustion(t, b.s.Port())
	a.next()
	b.next()
	for _, free := range []int{3, 4} { // enough for a listener and the first of gnet's two loops
		again := exhaust(t, free)
		if spare() == nil {
			t.Errorf("%d are taken for enough", free)
		}
		<-time.After(2 * lifePause)
		again()
	}
	back()
	for limit := time.Now().Add(20 * time.Second); isOver(b.s.life.Load()); <-time.After(lifePause / 4) {
		if time.Now().After(limit) {
			t.Fatal("it does not begin again")
		}
	}
	nothingNew(t, before)
}

// isOver tells whether nothing listens any more.
func isOver(x *life) bool {
	select {
	case <-x.over:
		return true
	default:
		return false
	}
}

// A process that has no descriptor left loses its streams, is told so, and has them again, on the same
// port, once there are some; who asked meanwhile is told that it was in vain.
func TestStreamsComeBackWithDescriptors(t *testing.T) {
	var said lines
	a := open(t, Options{}, nil)
	b := open(t, Options{Logger: slog.New(slog.NewTextHandler(&said, nil))}, nil)
	pair(t, a, b)
	before := leftNow(t)
	port := b.s.Port()
	back := endByExhaustion(t, port)
	ended := a.next().Kind == batch.StreamDown && b.next().Kind == batch.StreamDown
	<-time.After(2 * lifePause) // of which the descriptors that the end gave back are taken again
	again := exhaust(t, 0)
	<-time.After(2 * lifePause)
	again()
	back()
	if !ended {
		t.Fatal("the streams go on")
	}
	for limit := time.Now().Add(20 * time.Second); ; <-time.After(lifePause / 4) {
		id, err := a.s.Open(b.peer())
		if err != nil {
			t.Fatal(err)
		}
		if ev := a.next(); ev.Stream != id {
			t.Fatalf("%+v", ev)
		} else if ev.Kind == batch.StreamUp {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("no stream is accepted; %s", said.String())
		}
	}
	b.want(batch.StreamUp)
	pair(t, b, a)
	if text := said.String(); b.s.Port() != port || !strings.Contains(text, "all have ended") || !strings.Contains(text, "begun again") {
		t.Errorf("port %d, then %d; %s", port, b.s.Port(), text)
	}
	for _, e := range []*end{a, b} {
		if err := e.s.Close(); err != nil {
			t.Error(err)
		}
	}
	nothingNew(t, before)
}
