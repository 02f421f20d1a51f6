package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/member"
)

// How long rounds of probes take is told, and a member that is slow to doubt says so.
func TestPaceIsTold(t *testing.T) {
	var c member.Counters
	s := detectorStats(&c, 0, pace{period: 200 * time.Millisecond, usual: 200 * time.Millisecond})
	if s.Period != 200*time.Millisecond || s.Wary {
		t.Errorf("%+v", s)
	}
	if s = detectorStats(&c, 0, pace{period: 300 * time.Millisecond, usual: 200 * time.Millisecond}); s.Period != 300*time.Millisecond || !s.Wary {
		t.Errorf("%+v", s)
	}
	const word = "slow to doubt"
	if x := (Explanation{Period: s.Period}); strings.Contains(x.String(), word) {
		t.Error(x)
	}
	if x := (Explanation{Period: s.Period, Wary: true}); !strings.Contains(x.String(), word) || !strings.Contains(x.String(), "300ms") {
		t.Error(x)
	}
}
