package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// What is sent while an earlier acknowledgement is awaited has a time of its own: when the
// earlier one came, the later one is waited for, and sent again if it stays away.
func TestEachWriteIsWaitedFor(t *testing.T) {
	n := newNode(t, usual())
	now := sched.Instant(sched.Second)
	n.write(t, now)
	n.send(now, 1)
	n.write(t, now+1)
	n.send(now+1, 1)
	n.have(now+2, 1, 1, true)
	for sends := 0; sends == 0; {
		now = max(now+sched.Millisecond, n.wheel.Next())
		if now > 60*sched.Second {
			t.Fatal("the second write was lost, and is not sent again")
		}
		if id, ok := n.wheel.Expire(now); ok && id == timerResend+2 {
			n.mail.Resend(now, 1)
			if n.send(now, 1) {
				sends++
			}
		}
	}
}
