package names

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestDoubles: one that is said to be elsewhere is greeted there, not too often; who answers there
// as we are makes us take a higher generation, once, and nobody else does.
func TestDoubles(t *testing.T) {
	s, now := newSelf(7), sched.Instant(sched.Second)
	there, elsewhere := netip.MustParseAddrPort("10.0.0.8:1"), netip.MustParseAddrPort("10.0.0.9:1")
	if a := s.DoubleAnswered(now, s.ID, there); a != (Act{}) {
		t.Errorf("nobody was greeted: %+v", a)
	}
	if a := s.Doubled(now, netip.AddrPort{}); a != (Act{}) {
		t.Errorf("nowhere: %+v", a)
	}
	if a := s.Doubled(now, there); a != (Act{Greet: there}) {
		t.Errorf("%+v", a)
	}
	if a := s.Doubled(now+doubleGap-1, elsewhere); a != (Act{}) {
		t.Errorf("soon after: %+v", a)
	}
	if a := s.DoubleAnswered(now, s.ID, elsewhere); a != (Act{}) {
		t.Errorf("from elsewhere: %+v", a)
	}
	if a := s.DoubleAnswered(now, s.ID+1, there); a != (Act{}) {
		t.Errorf("somebody else: %+v", a)
	}
	a := s.DoubleAnswered(now, s.ID, there)
	if !a.Conflict || a.Gen != 7 || a.Addr != there || a.Renew != 8 {
		t.Errorf("%+v", a)
	}
	if b := s.DoubleAnswered(now, s.ID, there); b != (Act{}) {
		t.Errorf("again: %+v", b)
	}
	s.Silenced = true
	if a := s.Doubled(now+sched.Second, there); a != (Act{}) {
		t.Errorf("while silenced: %+v", a)
	}
}
