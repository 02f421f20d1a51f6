package core

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// longNames is a sealed cluster of members with the longest names and addresses,
// and the smallest frames.
func longNames(t *testing.T, n int, spread tune.Spread) *net {
	w := sealedNet(t, n, 57, func(i int, c *Config) {
		c.Name = []byte(fmt.Sprint(i) + strings.Repeat("n", codec.NameBytesMax-1))
		c.Frame, c.Spread, c.Flow = codec.FrameBytesFloor, spread, tune.FlowOff
		a := c.Advertise.Addr().As16()
		a[0], a[1], a[10], a[11] = 0x20, 1, 1, 1 // 2001::101:a00:i
		c.Advertise = netip.AddrPortFrom(netip.AddrFrom16(a), 7946)
	})
	for _, d := range w.nodes {
		delete(w.at, d.addr)
		d.addr = d.core.cfg.Advertise
		w.at[d.addr] = d
	}
	return w
}

// TestLongestEntriesOfStrangers: where neither the largest entry nor another
// introduction fits beside the sender's own, which stays in its frames until the
// peer has acknowledged one, the sender does not send empty frames meanwhile.
func TestLongestEntriesOfStrangers(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		t.Run(fmt.Sprint(spread), func(t *testing.T) {
			w := longNames(t, 6, spread)
			at, burst := w.now, 0
			w.sniff = func(b []byte) {
				if burst++; w.now != at {
					at, burst = w.now, 0
				}
				if burst > 40 {
					t.Fatal("more than 40 frames at once")
				}
			}
			big := strings.Repeat("v", codec.EntryBytesMax-1)
			for i := range w.nodes {
				w.set(i, "k", big)
				w.set(i, "l", big)
			}
			w.joinAll()
			for k := range 20 {
				w.set(k%6, "k", big[:len(big)-k])
				w.run(sched.Millisecond)
			}
			w.converge(10 * sched.Second)
		})
	}
}
