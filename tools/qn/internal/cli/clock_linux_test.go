package cli

import (
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
)

// A clock that nothing keeps right, or that may be far off, is told with a way to mend it.
func TestClockCheck(t *testing.T) {
	f := func(kept bool, off time.Duration, want string) {
		t.Helper()
		if c := clockCheck(kept, off); c.Status != want || (c.Fix == "") != (want == api.OK) {
			t.Errorf("%v, %v: %+v", kept, off, c)
		}
	}
	f(true, 20*time.Millisecond, api.OK)
	f(true, clockWanted, api.OK)
	f(true, time.Second, api.Warn)
	f(false, 0, api.Warn)
	if c := checkClock(); c.Name != "clock" || c.Detail == "" {
		t.Errorf("%+v", c)
	}
}
