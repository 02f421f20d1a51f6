//go:build !linux

package linux

import "github.com/quidnunc/quidnunc/batch"

// Boot is nil: this system has no CLOCK_BOOTTIME.
var Boot func() (nanos int64, ok bool)

// New returns batch.ErrUnsupported: this system is not Linux.
func New(batch.PollerOptions) (batch.Poller, error) { return nil, batch.ErrUnsupported }
