package api

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// TestTheDeadAndTheFrozenAreToldApart: an agent that is not there is to be started, one that does
// not answer is to be looked at.
func TestTheDeadAndTheFrozenAreToldApart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody reads
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string) {
		t.Helper()
		c, err := NewClient(l.Addr().String(), "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err = c.Get(ctx, "/v1/status", nil)
		if err == nil || !strings.Contains(err.Error(), want) || exit.Code(err) != exit.Unreachable {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("does not answer")
	l.Close()
	f("start one with qn agent")
}
