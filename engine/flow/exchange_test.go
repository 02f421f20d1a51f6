package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

func TestExchangeEndsAfterHalfAnInterval(t *testing.T) {
	const interval = 100
	var x Exchange
	x.Begin(1000)
	x.At(1049, interval).Lacks(7)
	x.At(1049, interval).Lacks(-3) // a list that became shorter is no debt
	x.At(1049, interval).Sent(4)
	if !x.Over(6) || x.Over(7) || x.Left(10) != 6 || x.Left(3) != 0 {
		t.Errorf("%+v", x)
	}
	if x.At(1050, interval); x != (Exchange{at: 1050}) {
		t.Errorf("the next exchange begins with %+v", x)
	}
}

func TestExchangeLoad(t *testing.T) {
	f := func(set int, s Service, want Load) {
		t.Helper()
		x := Exchange{set: int32(set)}
		if got := x.Load(10, s); got != want {
			t.Errorf("%d of 10, %+v: %d, want %d", set, s, got, want)
		}
	}
	f(9, Service{}, Slack)
	f(10, Service{}, Even)
	f(11, Service{}, Over)
	f(0, Service{Starved: true}, Over)
	f(11, Service{Pushed: true, Used: 874, Rate: 1000}, Even)
	f(11, Service{Pushed: true, Used: 875, Rate: 1000}, Over)
	f(11, Service{Used: 1, Rate: 1000}, Over) // nothing is pushed
	f(9, Service{Pushed: true, Used: 1, Rate: 1000}, Slack)
}

func TestPartnerLoad(t *testing.T) {
	f := func(says bool, got int, want Load) {
		t.Helper()
		var p Partner
		p.Begin(3)
		p.Got(3, got)
		p.Got(4, 100) // somebody else
		p.SaysOver(4)
		if says {
			p.SaysOver(3)
		}
		if load := p.Load(10, 7); load != want || p.Peer() != 3 {
			t.Errorf("says %v, sent %d: %d, want %d", says, got, load, want)
		}
	}
	f(true, 5, Over)
	f(true, 4, Even) // it only says so
	f(false, 7, Even)
	f(false, 20, Slack)
	f(false, 0, Slack)
}

func TestMeterSmoothsByHalf(t *testing.T) {
	var m Meter
	m.Init(sched.Second)
	m.Published(1000)
	m.Wished(500)
	if m.Look(sched.Second, 0) {
		t.Error("a look without a span")
	}
	if !m.Look(2*sched.Second, 500) || m.Used() != 500 || m.Wants() != 1000 {
		t.Errorf("%+v", m)
	}
	for i := range sched.Instant(40) {
		m.Look((3+i)*sched.Second, 0)
	}
	if m.Used() > 1 || m.Wants() > 1 {
		t.Errorf("%+v after a long time without writes", m)
	}
	m.Wished(1 << 50)
	if m.Look(43*sched.Second, 0); m.Wants() > RateMax {
		t.Errorf("%+v", m)
	}
}
