package resp

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A front that ends while clients come leaves no connection open, and calls its end no error.
func TestAnEndAmongClientsLeavesNothing(t *testing.T) {
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(list)
	}
	s := startFront(t, "a", "").server.space
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	start := func() *Server {
		v, err := Start(s, Options{Addr: "127.0.0.1:0", Version: "test", Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	start().Close()
	before := descriptors()
	var at atomic.Pointer[string]
	var over atomic.Bool
	var crowd sync.WaitGroup
	v := start()
	addr := v.Addr().String()
	at.Store(&addr)
	for range 8 {
		crowd.Go(func() {
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
	for range 60 {
		<-time.After(3 * time.Millisecond)
		v.Close()
		v = start()
		addr := v.Addr().String()
		at.Store(&addr)
	}
	over.Store(true)
	crowd.Wait()
	v.Close()
	for limit := time.Now().Add(20 * time.Second); descriptors() > before; <-time.After(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d descriptors, before %d", descriptors(), before)
		}
	}
	if said.Len() > 0 {
		t.Errorf("%s", said.String())
	}
}
