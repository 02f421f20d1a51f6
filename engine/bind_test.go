package engine_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
)

// TestBindSaysWhatHelps: an address that is not this host's wants another address, and a port that
// is taken another port.
func TestBindSaysWhatHelps(t *testing.T) {
	taken := startOne(t, "a", nil)
	for bind, want := range map[string]struct {
		cause syscall.Errno
		fix   string
	}{
		taken.Addr().String(): {syscall.EADDRINUSE, "choose a free port"},
		"192.0.2.1:0":         {syscall.EADDRNOTAVAIL, "use an address of this host"},
	} {
		c := engine.Local()
		c.Name, c.Bind, c.Insecure = "b", bind, true
		e, err := engine.Start(t.Context(), c)
		if err == nil {
			e.Close()
		}
		if !errors.Is(err, want.cause) || !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), want.fix) {
			t.Errorf("%s: %v, want to hear: %s", bind, err, want.fix)
		}
	}
}
