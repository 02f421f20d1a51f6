package engine

import (
	"net/netip"
	"testing"
)

// TestUnnamedClustersMayMerge: a member that could merge with a stranger's cluster,
// for nobody named either, is warned of; one with a name, with a key, or on loopback
// is not.
func TestUnnamedClustersMayMerge(t *testing.T) {
	f := func(c Config, bound string, want bool) {
		t.Helper()
		c = c.withDefaults()
		if got := c.mayMerge(netip.MustParseAddr(bound)); got != want {
			t.Errorf("%q, %d keys, at %s: %v", c.Cluster, len(c.Secrets), bound, got)
		}
	}
	f(Config{}, "0.0.0.0", true)
	f(LAN(), "10.0.0.7", true)
	f(Config{}, "::", true)
	f(Config{Cluster: "ours"}, "0.0.0.0", false)
	f(Config{}, "127.0.0.1", false)
	f(Config{}, "::1", false)
	f(Config{Secrets: make([]Secret, 1)}, "0.0.0.0", false)
}
