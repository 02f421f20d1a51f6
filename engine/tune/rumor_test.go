package tune

import (
	"strings"
	"testing"
)

// TestContradictions: each pair of settings that contradict each other is named.
func TestContradictions(t *testing.T) {
	for _, p := range []RumorPolicy{
		{K: 1},
		Demers(ShapePull, LossCoin, true, 5),
		Karp(1000),
		{Shape: ShapePushPull, K: 2, Minimize: true},
	} {
		if err := p.Check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for want, p := range map[string]RumorPolicy{
		"K must be":                    {},
		"Shape is not":                 {K: 1, Shape: 9},
		"Loss is not":                  {K: 1, Loss: 9},
		"Minimize and Blind":           {K: 1, Shape: ShapePushPull, Minimize: true, Blind: true},
		"Minimize and Loss":            {K: 1, Shape: ShapePushPull, Minimize: true, Loss: LossCoin},
		"Minimize and Shape":           {K: 1, Minimize: true},
		"Median and Blind":             {K: 1, Shape: ShapePushPull, Loss: LossMedian, Final: 1, Blind: true},
		"Median and Shape":             {K: 1, Loss: LossMedian, Final: 1},
		"Median and Reset or Minimize": {K: 1, Shape: ShapePushPull, Loss: LossMedian, Final: 1, Reset: true},
		"Median and Final":             {K: 1, Shape: ShapePushPull, Loss: LossMedian},
		"Final and Loss":               {K: 1, Final: 1},
		"Reset and Blind":              {K: 1, Reset: true, Blind: true},
		"Reset and Coin":               {K: 1, Reset: true, Loss: LossCoin},
		"Hunt and Limit":               {K: 1, Hunt: 1},
	} {
		if err := p.Check(); err == nil || !strings.HasPrefix(err.Error(), "rumor policy: "+want) {
			t.Errorf("%+v: %v, want %s", p, err, want)
		}
	}
}

func TestLogLog(t *testing.T) {
	for n, want := range map[int]uint8{2: 1, 15: 1, 16: 2, 1024: 2, 1618: 2, 1619: 3, 10000: 3} {
		if got := LogLog(n); got != want {
			t.Errorf("LogLog(%d) = %d, want %d", n, got, want)
		}
	}
}
