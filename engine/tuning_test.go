package engine

import (
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestContradictionsNameThePair: two settings that exclude each other are refused,
// and the error names both.
func TestContradictionsNameThePair(t *testing.T) {
	f := func(change func(*Config), pair ...string) {
		t.Helper()
		c := Local()
		c.Name = "a"
		change(&c)
		err := c.Validate()
		if len(pair) == 0 {
			if err != nil {
				t.Error(err)
			}
			return
		}
		for _, word := range pair {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%v does not name %s", err, word)
			}
		}
	}
	f(func(c *Config) { c.Tune.Diff, c.Tune.Mode = tune.DiffUpdates, tune.ModePull }, "Diff", "Mode", "pull")
	f(func(c *Config) { c.Tune.Diff = tune.DiffUpdates })
	f(func(c *Config) { c.Tune.Diff, c.Tune.Order = tune.DiffSketch, tune.OrderPreciseNewest }, "Diff", "Order", "precise-newest")
	f(func(c *Config) { c.RepairInterval, c.Interval = 1e9, 2e8 }, "RepairInterval", "Interval", "2s")
	f(func(c *Config) { c.RepairInterval, c.Tune.Order = 1e10, tune.OrderPreciseOldest }, "RepairInterval", "Order")
	f(func(c *Config) { c.RepairInterval = 60e9 })
	f(func(c *Config) { c.Tune.Diff = 99 }, "Tune.Diff", "is not known; use auto, vector, ")
	f(func(c *Config) { c.Tune.Rumor, c.Tune.Spread = tune.Karp(9), tune.SpreadMail }, "Rumor", "Spread", "mail")
	f(func(c *Config) { c.Tune.Rumor, c.Tune.Spread = tune.Karp(9), tune.SpreadGossip }, "Rumor", "Spread", "gossip")
	f(func(c *Config) { c.Tune.Rumor, c.Tune.Spread = tune.Karp(9), tune.SpreadRumor })
	f(func(c *Config) {
		c.Tune.Rumor, c.Tune.Mode = tune.RumorPolicy{K: 1, Blind: true, Redistribute: true}, tune.ModePull
	}, "Redistribute", "Mode")
	f(func(c *Config) { c.Tune.Rumor = tune.RumorPolicy{K: 1, Blind: true, Minimize: true} }, "Minimize", "Blind")
	f(func(c *Config) { c.Tune.Rumor = tune.RumorPolicy{K: 1, Hunt: 2} }, "Hunt", "Limit")
}
