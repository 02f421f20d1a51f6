package bulk

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// path is what a joiner gets in each span.
type path struct {
	answer   int // entries of an answer
	alone    int // answers in ten spans when datagrams make way
	together int // when they don't
	wide     int // entries that datagrams bring in a span while they don't make way
	narrow   int // while they do
}

const entryBytes = 70

// run lets so many spans pass, and counts those in which datagrams made way and those in which streams
// rested.
func (p *path) run(m *Meter, now *sched.Instant, all *uint64, spans int) (beside, rests int) {
	got := 0
	for range spans {
		n, d := p.together, p.wide
		switch {
		case m.Rests():
			n, rests = 0, rests+1
		case m.Beside() > 0:
			n, d, beside = p.alone, p.narrow, beside+1
		}
		*all += uint64(d)
		for got += n; got >= 10; got -= 10 {
			news := p.answer
			if m.Beside() == 0 {
				news = p.answer / 10 // most came by datagrams before
			}
			m.Took(p.answer*entryBytes, p.answer, news)
			*all += uint64(news)
		}
		*now += MeterSpan
		m.Turn(*now, *all, !m.Rests())
	}
	return beside, rests
}

// On a path on which datagrams are much faster streams rest and datagrams have all of it; on one on which
// they are not datagrams make way, although an answer that has to share the path takes long.
func TestTheSlowerWayMakesWay(t *testing.T) {
	for _, f := range []struct {
		name    string
		p       path
		streams bool // they are the better way
	}{
		{"1 Gbit/s", path{15_000, 20, 8, 50_000, 5_000}, false},
		{"100 Mbit/s", path{15_000, 15, 4, 14_000, 2_000}, true},
		{"1 Gbit/s, 1 % lost", path{15_000, 20, 6, 9_000, 500}, true},
		{"30 % lost", path{15_000, 20, 20, 200, 200}, true},
	} {
		t.Run(f.name, func(t *testing.T) {
			var m Meter
			now, all := sched.Instant(0), uint64(0)
			m.Turn(now, all, true)
			f.p.run(&m, &now, &all, 20)
			beside, rests := f.p.run(&m, &now, &all, 100)
			if f.streams && (beside < 95 || rests > 0) || !f.streams && (rests < 95 || beside > 0) {
				t.Errorf("of 100 spans datagrams made way in %d, streams in %d", beside, rests)
			}
		})
	}
}

// When a path gets worse for datagrams while streams rest, streams get another chance, and have it for
// as long as they are better.
func TestStreamsComeBackWhenDatagramsStumble(t *testing.T) {
	var m Meter
	now, all := sched.Instant(0), uint64(0)
	m.Turn(now, all, true)
	good, bad := path{15_000, 20, 8, 50_000, 5_000}, path{15_000, 20, 15, 15_000, 2_000}
	good.run(&m, &now, &all, 30)
	if !m.Rests() {
		t.Fatal("streams don't rest")
	}
	bad.run(&m, &now, &all, 20)
	if beside, _ := bad.run(&m, &now, &all, 100); beside < 85 {
		t.Errorf("datagrams made way in %d of 100 spans", beside)
	}
}

// Datagrams that stumbled at the start, when they were measured, have another chance, and are not tried
// often where they are slower.
func TestDatagramsThatStumbledAreTriedAgain(t *testing.T) {
	var m Meter
	now, all := sched.Instant(0), uint64(0)
	m.Turn(now, all, true)
	slow, good := path{15_000, 20, 15, 9_000, 500}, path{15_000, 20, 8, 50_000, 5_000}
	slow.run(&m, &now, &all, 6)
	if m.Rests() {
		t.Fatal("streams rest though datagrams are slow")
	}
	good.run(&m, &now, &all, 10)
	if _, rests := good.run(&m, &now, &all, 100); rests < 95 {
		t.Errorf("streams rest in %d of 100 spans", rests)
	}
	m, now, all = Meter{}, 0, 0
	m.Turn(now, all, true)
	beside, _ := slow.run(&m, &now, &all, 1000)
	if beside < 980 {
		t.Errorf("datagrams were tried in %d of 1000 spans", 1000-beside)
	}
}

// Before anything has come by a stream nobody makes way, and a meter that does not run says nothing.
func TestMeterBeforeTheFirstAnswer(t *testing.T) {
	var m Meter
	if m.Runs() || m.Rests() || m.Beside() != 0 {
		t.Error("the zero meter says something")
	}
	now, all := sched.Instant(0), uint64(0)
	for range 50 {
		m.Turn(now, all, true)
		if m.Rests() || m.Beside() != 0 {
			t.Fatalf("at %v somebody makes way", now)
		}
		now, all = now+MeterSpan/2, all+20_000
	}
	if !m.Runs() || m.Next() <= now-MeterSpan {
		t.Errorf("at %v the span ends at %v", now, m.Next())
	}
}
