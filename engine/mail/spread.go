package mail

import (
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Spread is the way that news takes now; never tune.SpreadAuto.
func (m *Mail) Spread() tune.Spread {
	switch {
	case m.cfg.Spread == tune.SpreadDelegated && (m.parts.Scattered || m.parts.Roster.Partial()):
		return tune.SpreadRumor // nobody could tell what a delegate covers, or most members are on nobody's ring
	case m.cfg.Spread != tune.SpreadAuto:
		return m.cfg.Spread
	case m.parts.Scattered, m.parts.Roster.Partial(): // nobody could tell what a delegate covers
		if m.parts.Roster.Reach() <= m.cfg.MailMax {
			return tune.SpreadMail
		}
		return tune.SpreadRumor
	case m.choice.Mails():
		return tune.SpreadMail
	}
	return tune.SpreadDelegated
}

// Chosen tells the way that own news takes now, into how many ranges it is cut where it goes
// over delegates, and why.
func (m *Mail) Chosen() (way tune.Spread, direct int, why Why) {
	way, why = m.Spread(), m.choice.Why()
	switch {
	case m.cfg.Spread != tune.SpreadAuto:
		why = WhyChosen
	case m.parts.Scattered, m.parts.Roster.Partial():
		why = WhyPartial
	}
	switch {
	case way != tune.SpreadDelegated:
	case m.cfg.Spread == tune.SpreadDelegated:
		direct = m.Relay.Fanout()
	default:
		direct = m.choice.Direct()
	}
	return way, direct, why
}

// look lets the choice take in how things are.
func (m *Mail) look(now sched.Instant) {
	if m.cfg.Spread != tune.SpreadAuto {
		return
	}
	m.choice.Look(now, &Load{Members: m.parts.Roster.Reach(), Trip: m.parts.Paths.Trip(), Lag: m.parts.Paths.Lag, Saves: m.Relay.Saves()})
	m.Relay.Direct(m.choice.Direct())
}

// Mails reports whether own writes are mailed to every peer.
func (m *Mail) Mails() bool { return m.Spread() == tune.SpreadMail }

// Pushes reports whether news is sent before an exchange asks for it.
func (m *Mail) Pushes() bool { return m.cfg.Spread != tune.SpreadGossip }

// Tells reports whether own user events are told to every peer: wherever nobody is sure to
// pass them on, since those who mail do not.
func (m *Mail) Tells() bool {
	way := m.Spread()
	return way == tune.SpreadMail || way == tune.SpreadDelegated
}

// Relays reports whether news of others is passed on: in rumor mode always, otherwise only
// while we reach less than half of the members, so that the authors probably do not reach
// everybody either.
func (m *Mail) Relays() bool {
	switch m.Spread() {
	case tune.SpreadGossip:
		return false
	case tune.SpreadRumor:
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
