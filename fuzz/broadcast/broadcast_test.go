package broadcast

import "testing"

const seed = 1

// measure runs a plan of 1,000 members.
func measure(t *testing.T, p *Plan) Row {
	t.Helper()
	p.Nodes, p.Seed = 1000, seed
	r := Measure(*p)
	t.Logf("seed %d: %+v", seed, r)
	return r
}

// Over a network with 35 µs a hop and 2 µs a datagram, delegated broadcast reaches 99 % of
// 1,000 members within 600 µs and all of them, nearly each by one copy, while frames are lost.
func TestDelegatedIsFastAndSparing(t *testing.T) {
	for _, x := range []struct {
		loss, redundancy float64
		p99              int64
	}{{0, 0, 250}, {0.01, 0.10, 600}, {0.05, 0.30, 1000}} {
		r := measure(t, &Plan{Policy: "delegated", Loss: x.loss, Writes: 3})
		if r.P99us < 0 || r.P99us > x.p99 || r.Reached != 1 || r.Redundancy > x.redundancy || r.Packets > 2.4 {
			t.Errorf("loss %g: 99 %% after %d µs, %g reached, redundancy %.3f, %.2f datagrams a member", x.loss, r.P99us, r.Reached, r.Redundancy, r.Packets)
		}
	}
}

// Urgent news goes over two trees where more than 5 % of the frames are lost on the way: the last
// member waits for fewer time-outs, and each has little more than two copies. Where less is lost it
// has one, as of other news.
func TestUrgentIsFasterOverLoss(t *testing.T) {
	for _, x := range []struct{ loss, least, most float64 }{{0.01, 0, 0.10}, {0.05, 0.8, 1.3}, {0.10, 0.8, 1.5}} {
		one := measure(t, &Plan{Policy: "delegated", Loss: x.loss, Writes: 3})
		two := measure(t, &Plan{Policy: "delegated", Loss: x.loss, Writes: 3, Urgent: true})
		if two.Reached != 1 || two.Redundancy < x.least || two.Redundancy > x.most {
			t.Errorf("loss %g: %g reached, redundancy %.3f", x.loss, two.Reached, two.Redundancy)
		}
		if x.least > 0 && (two.P99us >= one.P99us || two.Lastus > one.Lastus*7/10) {
			t.Errorf("loss %g: 99 %% after %d µs, all after %d; over one tree %d and %d", x.loss, two.P99us, two.Lastus, one.P99us, one.Lastus)
		}
	}
}

// With a tenth of the members dead, and nobody knows, 99.9 % of the others are reached within
// 2 ms, and all with the next exchange.
func TestTheDeadCostTimeouts(t *testing.T) {
	r := measure(t, &Plan{Policy: "delegated", Loss: 0.01, Dead: 0.1, Writes: 1})
	if r.Reached2ms < 0.999 || r.Missing != 0 {
		t.Errorf("%g reached within 2 ms, %d missing after the exchange", r.Reached2ms, r.Missing)
	}
}

// Members that drop all that they get cost as much; those that acknowledge and pass nothing on
// leave their ranges to the next exchanges.
func TestDroppersAndLiars(t *testing.T) {
	r := measure(t, &Plan{Policy: "delegated", Deaf: 0.05, Writes: 2})
	if r.Reached != 1 || r.Lastus > 20_000 {
		t.Errorf("droppers: %g reached, the last after %d µs", r.Reached, r.Lastus)
	}
	r = measure(t, &Plan{Policy: "delegated", Liars: 0.05, Writes: 2})
	if r.Reached < 0.8 || r.Reached == 1 || float64(r.Missing) > 0.2*(1-r.Reached)*16*1000 {
		t.Errorf("liars: %g reached, %d missing after an exchange", r.Reached, r.Missing)
	}
}

// The models do what the literature says of them: one payload for each member over Plumtree's
// tree and some 3 messages beside, nearly 4 by flooding, one by mail.
func TestModelsMatchTheLiterature(t *testing.T) {
	within := func(what string, got, want, by float64) {
		t.Helper()
		if got < want-by || got > want+by {
			t.Errorf("%s: %.2f, want %.2f ± %.2f", what, got, want, by)
		}
	}
	plum, flood := Published()[1], Published()[0]
	r := measure(t, &Plan{Policy: "plumtree", Writes: 1})
	within("payload of Plumtree", 1+r.Redundancy, plum.Payload, 0.1)
	within("messages of Plumtree", r.Packets, plum.Payload+plum.Control, 0.2)
	r = measure(t, &Plan{Policy: "flood", Writes: 1})
	within("messages of flooding", r.Packets, flood.Payload, 0.1)
	r = measure(t, &Plan{Policy: "mail", Writes: 1})
	within("messages of mail", r.Packets, 2, 0)
	r = measure(t, &Plan{Policy: "rumor", Writes: 1})
	if r.Reached < 0.999 || r.Redundancy < 8 {
		t.Errorf("rumors: %g reached, redundancy %.1f", r.Reached, r.Redundancy)
	}
}

// The same seed gives the same figures.
func TestARowIsReproducible(t *testing.T) {
	p := Plan{Policy: "delegated", Nodes: 200, Loss: 0.05, Dead: 0.05, Seed: 3}
	if a, b := Measure(p), Measure(p); a != b {
		t.Errorf("%+v and %+v", a, b)
	}
}
