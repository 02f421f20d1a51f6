package names

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Double is what is known of a process that is what we are: a machine that was copied while it ran,
// or with a disk that says how to go on. Both have our identifier, so each frame of the one is the
// other's to everybody else. Who sees one of them elsewhere than the one that answers tells that one;
// it greets the other, and if that one answers takes a higher generation: so it has the name, and the
// other one gives way as the junior of two does.
type Double struct {
	Addr netip.AddrPort // where it was said to be
	at   sched.Instant  // when that one was greeted
	same bool           // whoever was met last with our name is of our boot
}

const doubleGap = 250 * sched.Millisecond // between two greetings of doubles

// Doubled is told that somebody with our identifier is elsewhere.
func (s *Self) Doubled(now sched.Instant, addr netip.AddrPort) (a Act) {
	d := &s.Double
	if s.Silenced || !codec.Dialable(addr) || d.at != 0 && now-d.at < doubleGap {
		return a
	}
	d.Addr, d.at = addr, max(1, now)
	return Act{Greet: addr}
}

// DoubleAnswered looks whether somebody who answered our greeting at an address is the double.
func (s *Self) DoubleAnswered(now sched.Instant, id codec.OriginID, from netip.AddrPort) (a Act) {
	if id != s.ID || from != s.Double.Addr || s.Silenced || !s.Renewals.May(now) {
		return a
	}
	s.Double = Double{}
	return Act{Conflict: true, Gen: s.Gen, Addr: from, Renew: s.Gen + 1}
}
