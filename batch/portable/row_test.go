package portable

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
)

// TestFailuresInARow: the reader of a socket that fails again and again pauses, and one that fails now
// and then never does: whatever comes, one too long as well, begins the row anew.
func TestFailuresInARow(t *testing.T) {
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	c := newConn(New(batch.PollerOptions{}), udp, batch.Options{}.WithDefaults()) // nobody reads it
	take := func(n int, err error) (pause bool) {
		slot, ok := c.inbox.free(c.quit)
		if !ok {
			t.Fatal("no slot")
		}
		return c.took(slot, n, netip.AddrPort{}, err)
	}
	broken := errors.New("broken")
	for _, between := range []int{1, c.slot + 1} {
		for round := range 3 {
			for i := range errorsInRowMax {
				if take(0, broken) {
					t.Fatalf("round %d: the reader pauses after %d failures in a row", round, i+1)
				}
			}
			take(between, nil)
		}
	}
	for range errorsInRowMax {
		take(0, broken)
	}
	for range 3 {
		if !take(0, broken) {
			t.Error("a socket that always fails spends a core")
		}
	}
	if got, want := c.recvErrors.Load(), uint64(7*errorsInRowMax+3); got != want {
		t.Errorf("%d failures are counted, want %d", got, want)
	}
	if got := c.oversize.Load(); got != 3 {
		t.Errorf("%d datagrams were too long, want 3", got)
	}
}
