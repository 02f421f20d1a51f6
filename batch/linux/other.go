//go:build !linux

package linux

import "github.com/quidnunc/quidnunc/batch"

// New returns batch.ErrUnsupported: this system is not Linux.
func New(batch.PollerOptions) (batch.Poller, error) { return nil, batch.ErrUnsupported }
