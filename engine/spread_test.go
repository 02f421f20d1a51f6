package engine

import (
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine/rumor"
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
	f(func(c *Config) { c.Diff, c.Mode = DiffUpdates, Pull }, "Diff", "Mode", "pull")
	f(func(c *Config) { c.Diff = DiffUpdates })
	f(func(c *Config) { c.Diff, c.Order = DiffSketch, PreciseNewest }, "Diff", "Order", "precise-newest")
	f(func(c *Config) { c.RepairInterval, c.Interval = 1e9, 2e8 }, "RepairInterval", "Interval", "2s")
	f(func(c *Config) { c.RepairInterval, c.Order = 1e10, PreciseOldest }, "RepairInterval", "Order")
	f(func(c *Config) { c.RepairInterval = 60e9 })
	f(func(c *Config) { c.Diff = 99 }, "Diff", "out of range")
	f(func(c *Config) { c.Rumor, c.Spread = rumor.Karp(9), SpreadMail }, "Rumor", "Spread", "mail")
	f(func(c *Config) { c.Rumor, c.Spread = rumor.Karp(9), SpreadGossip }, "Rumor", "Spread", "gossip")
	f(func(c *Config) { c.Rumor, c.Spread = rumor.Karp(9), SpreadRumor })
	f(func(c *Config) {
		c.Rumor, c.Mode = RumorPolicy{K: 1, Blind: true, Redistribute: true}, Pull
	}, "Redistribute", "Mode")
	f(func(c *Config) { c.Rumor = RumorPolicy{K: 1, Blind: true, Minimize: true} }, "Minimize", "Blind")
	f(func(c *Config) { c.Rumor = RumorPolicy{K: 1, Hunt: 2} }, "Hunt", "Limit")
}

func TestComparisonsHaveNames(t *testing.T) {
	for c := range diffNames.names {
		got, err := ParseDiff(Diff(c).String())
		if err != nil || got != Diff(c) {
			t.Errorf("%d: %v, %v", c, got, err)
		}
	}
	if _, err := ParseDiff("x"); err == nil || Diff(99).String() != "Diff(99)" {
		t.Error("unknown names")
	}
}
