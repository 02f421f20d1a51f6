package mail

import "github.com/quidnunc/quidnunc/engine/tune"

// Spread is the way that news takes now; never tune.SpreadAuto.
func (m *Mail) Spread() tune.Spread {
	switch {
	case m.cfg.Spread == tune.SpreadDelegated && m.parts.Roster.Partial():
		return tune.SpreadRumor // most members are on nobody's ring
	case m.cfg.Spread != tune.SpreadAuto:
		return m.cfg.Spread
	case m.parts.Roster.Reach() <= m.cfg.MailMax:
		return tune.SpreadMail
	}
	return tune.SpreadRumor
}

// Mails reports whether own writes are mailed to every peer.
func (m *Mail) Mails() bool { return m.Spread() == tune.SpreadMail }

// Delegates reports whether own writes go over delegates.
func (m *Mail) Delegates() bool { return m.Spread() == tune.SpreadDelegated }

// Pushes reports whether news is sent before an exchange asks for it.
func (m *Mail) Pushes() bool { return m.cfg.Spread != tune.SpreadGossip }

// Relays reports whether news of others is passed on: in rumor mode always, and so are user
// events where writes go over delegates; in mail mode only while we reach less than half of the members, so that the authors probably
// do not reach everybody either.
func (m *Mail) Relays() bool {
	switch m.Spread() {
	case tune.SpreadGossip:
		return false
	case tune.SpreadRumor, tune.SpreadDelegated:
		return true
	default:
		return m.parts.Roster.Partial()
	}
}

// fanoutMost bounds a fan-out that is not configured.
const fanoutMost = 8

// Fanout is how many peers news is passed on to: about 2 more than ln n, n being those
// that we reach, and more where frames are lost.
func (m *Mail) Fanout() int {
	if m.cfg.Fanout > 0 {
		return m.cfg.Fanout
	}
	n, k := m.parts.Roster.Reach(), int32(3)
	for n > 32 { // ln n, about
		n >>= 1
		k++
	}
	return int(m.parts.Paths.Copies(min(k, fanoutMost)))
}
