package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// class makes an own write of a class.
func (n *node) class(t *testing.T, now sched.Instant, c tune.Class) {
	t.Helper()
	n.mail.Class(c)
	n.write(t, now)
}

// due counts the peers that something is due to.
func (n *node) due() (k int) {
	for p := uint32(1); p <= peers; p++ {
		if n.board.Has(p, 1) {
			k++
		}
	}
	return k
}

// A bulk write makes nothing leave, and is not missed; the next one of another class takes it along,
// and afterwards all is as if there were no classes.
func TestBulkRidesAlong(t *testing.T) {
	n := newNode(t, usual())
	now := sched.Instant(sched.Second)
	n.write(t, now)
	for p := uint32(1); p <= peers; p++ {
		n.send(now, p)
		n.have(now, p, 1, true)
	}
	for range 3 {
		now += 50 * ms
		n.class(t, now, tune.ClassBulk)
		if n.due() != 0 || n.mail.told() != 1 {
			t.Fatalf("a bulk write is due at %d peers; they are told of %d", n.due(), n.mail.told())
		}
		if n.mail.Resend(now, 1); n.due() != 0 {
			t.Fatal("it is missed")
		}
	}
	n.have(now, 2, 3, true) // a comparison brought some of it
	now += 50 * ms
	n.write(t, now)
	if n.due() != peers || n.mail.told() != 5 || n.mail.from != 1 {
		t.Fatalf("due at %d peers, up to %d, after %d", n.due(), n.mail.told(), n.mail.from)
	}
	for p := uint32(1); p <= peers; p++ {
		if !n.send(now, p) || n.cursors[p].At() != 5 {
			t.Errorf("peer %d was sent up to %d", p, n.cursors[p].At())
		}
		n.have(now, p, 5, true)
	}
	n.class(t, now, tune.ClassBulk)
	now += bulkSettled + ms
	if n.write(t, now); n.mail.from != 6 {
		t.Errorf("what comparisons had the time to bring goes along: from %d", n.mail.from)
	}
}

// What is urgent leaves at once, where other news would wait for company.
func TestUrgentWaitsForNobody(t *testing.T) {
	n := newNode(t, usual())
	now := sched.Instant(sched.Second)
	n.write(t, now)
	n.mail.flush.paid = now + sched.Second // the loop has much to do
	for p := uint32(1); p <= peers; p++ {
		n.send(now, p)
	}
	if n.write(t, now); n.due() != 0 {
		t.Fatal("it does not wait")
	}
	if n.class(t, now, tune.ClassUrgent); n.due() != peers || n.mail.urgent {
		t.Errorf("due at %d peers, urgent %v", n.due(), n.mail.urgent)
	}
}
