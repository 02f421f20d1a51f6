package engine

import (
	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/linux"
	"github.com/quidnunc/quidnunc/batch/portable"
)

// Sockets makes the transport that engines use when none is given: the fastest
// of this system. It is exported for those who want something between an
// engine and its sockets, such as a loss of datagrams. lock is what
// ReactorOptions.LockThread should be with it.
func Sockets(idle batch.Idle) (p batch.Poller, lock bool) {
	if p, err := linux.New(batch.PollerOptions{Idle: idle, Locked: true}); err == nil {
		return p, true
	}
	return portable.New(batch.PollerOptions{Idle: idle, Boot: linux.Boot}), false
}
