package stream

import (
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quidnunc/quidnunc/batch"
)

// A connection that is opened withHello is nobody's before something is said on it, and that comes
// with it then. The kernel waits for 200 ms: tries that took half as long do not count.
func TestTheHelloComesWithTheConnection(t *testing.T) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 100 {
		began := time.Now()
		early, came := withHelloTo(t, l)
		switch {
		case time.Since(began) > 100*time.Millisecond:
			continue
		case early:
			t.Error("the connection came before its hello")
		case came != helloSize:
			t.Errorf("%d bytes came with the connection", came)
		}
		return
	}
	t.Skip("the machine is too busy")
}

// withHelloTo opens a connection, and says hello when it has not come for a moment. It tells
// whether the connection was early, and else how much came with it.
func withHelloTo(t *testing.T, l *net.TCPListener) (early bool, came int) {
	d := net.Dialer{Control: withHello}
	c, err := d.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.SetDeadline(time.Now().Add(5 * time.Millisecond))
	if in, err := l.Accept(); err == nil {
		in.Close()
		return true, 0
	}
	if _, err := c.Write(make([]byte, helloSize)); err != nil {
		t.Fatal(err)
	}
	l.SetDeadline(time.Now().Add(10 * time.Second))
	in, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	raw, err := in.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var b [helloSize]byte
	if err := raw.Control(func(fd uintptr) { came = peek(int(fd), b[:]) }); err != nil {
		t.Fatal(err)
	}
	return false, came
}

// The first part of a record is acknowledged before the rest has come: a sender whose window is full
// waits for that. The kernel alone takes 40 ms, once it has seen that acknowledgements can wait.
func TestHalfARecordIsAcknowledgedAtOnce(t *testing.T) {
	keys := keysOf(t, 1, 1)
	a := open(t, Options{}, keys)
	r := connect(t, a)
	id := r.up(a, keys)
	raw, err := r.conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	acked := func() (yes bool) {
		if err := raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			yes = err == nil && info.Unacked == 0
		}); err != nil {
			t.Fatal(err)
		}
		return yes
	}
	took := make([]time.Duration, 60)
	for i := range took {
		b := r.record(recHead, headOf(head{tag: uint32(i), want: 1}))
		began := time.Now()
		r.write(b[:len(b)/2])
		for !acked() {
			runtime.Gosched()
		}
		took[i] = time.Since(began)
		r.write(b[len(b)/2:])
		asked := a.want(batch.StreamAsked)
		a.s.Release(&asked)
		a.send(id, &batch.StreamMessage{Answer: true, Tag: uint32(i), Head: []byte("no")})
		r.await(recHead)
	}
	last := took[len(took)/2:] // the kernel acknowledges the first ones at once by itself
	slices.Sort(last)
	if last[len(last)/4] > 30*time.Millisecond {
		t.Errorf("half of a record is acknowledged after %v", last)
	}
}
