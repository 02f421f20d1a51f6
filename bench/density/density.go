// Package density makes the writes by which the density of the wire is measured:
// what services, metrics and feature flags look like. It is for tests.
package density

import (
	"fmt"
	"math/rand/v2"
)

// Set makes one write of a node.
type Set func(rng *rand.Rand, node int) (key, value string)

// Service is an entry of service discovery.
func Service(rng *rand.Rand, node int) (key, value string) {
	services := []string{"payments-api", "checkout", "catalog-search", "session-store", "edge-proxy", "ledger"}
	fields := []string{"addr", "port", "weight", "status", "version"}
	s, f := services[rng.IntN(len(services))], rng.IntN(len(fields))
	key = fmt.Sprintf("service/%s/instance/%d/%s", s, node*4+rng.IntN(4), fields[f])
	values := []string{fmt.Sprintf("10.28.%d.%d", node/256, node%256), "8443", "100", "passing", "v2.14.3-7f3a9c1"}
	return key, values[f]
}

// Metric is a gauge.
func Metric(rng *rand.Rand, _ int) (key, value string) {
	names := []string{"cpu.load1", "cpu.load5", "mem.used", "mem.cached", "net.rx", "net.tx", "disk.io", "gc.pause.p99", "queue.depth"}
	return "node." + names[rng.IntN(len(names))], fmt.Sprintf("%.3f", rng.Float64()*100)
}

// Flag is a feature flag.
func Flag(rng *rand.Rand, _ int) (key, value string) {
	names := []string{"new-cart", "fast-path", "dark-mode", "retry-budget", "beta-search", "shadow-writes"}
	teams := []string{"checkout", "search", "identity", "platform"}
	values := []string{"on", "off", "25%"}
	return "flags/" + teams[rng.IntN(len(teams))] + "/" + names[rng.IntN(len(names))], values[rng.IntN(len(values))]
}
