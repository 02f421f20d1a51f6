package engine

import (
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// fullConn is a socket whose kernel said once, long ago, that its queue was full.
type fullConn struct {
	batch.Conn
	reads uint64
}

func (c *fullConn) Stats(s *batch.Stats) {
	*s = batch.Stats{KernelReads: c.reads, KernelDrops: c.reads, ReceiveQueueBytes: 8 << 20, ReceiveBufferBytes: 8 << 20}
}

// TestWhatTheKernelSaidIsToldOnce: a queue of the past is no pressure again and again.
func TestWhatTheKernelSaidIsToldOnce(t *testing.T) {
	c := fullConn{reads: 1}
	e := Engine{conn: &c}
	told := uint64(0)
	for now := sched.Instant(0); now < 10*sched.Second; now += sched.Millisecond {
		if now%sched.Second == sched.Second-sched.Millisecond {
			c.reads++
		}
		if p := e.pressure(now, 0); p.Room != 0 {
			if told++; p.Queue != 8<<20 || p.Drops != c.reads {
				t.Fatalf("%+v", p)
			}
		}
	}
	if told != 10 { // the last is looked at later
		t.Errorf("told %d times what the kernel said %d times", told, c.reads)
	}
}
