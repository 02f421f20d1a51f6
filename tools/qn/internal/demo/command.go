package demo

import (
	"net"
	"net/netip"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Command is the command line of qn demo.
type Command struct {
	Nodes    int
	Rate     units.Rate
	Seed     uint64
	Listen   string
	Headless bool
	Apart    int // processes
	Duration time.Duration
}

// Bounds of the options.
const (
	rateMax      = 5000
	processesMax = 32
	tourMin      = 2 * time.Second
	tourMax      = time.Hour
)

// Check reports the first option that can't work.
func (o *Command) Check() error {
	host, _, err := net.SplitHostPort(o.Listen)
	ip, bad := netip.ParseAddr(host)
	switch {
	case o.Nodes < 3 || o.Nodes > nodesMax:
		return exit.Usagef("--nodes %d: a demo has 3 to %d members; fix: --nodes 24", o.Nodes, nodesMax)
	case o.Apart != 0 && (o.Apart < 3 || o.Apart > processesMax):
		return exit.Usagef("--processes %d: 3 to %d; fix: --processes 8", o.Apart, processesMax)
	case o.Apart != 0 && !o.Headless:
		return exit.Usagef("--processes %d: the page shows members of one process; fix: add --headless", o.Apart)
	case o.Rate > rateMax:
		return exit.Usagef("--rate %v: too much to look at; fix: up to %v, or qn load for a load", o.Rate, units.Rate(rateMax))
	case o.Duration < tourMin || o.Duration > tourMax:
		return exit.Usagef("--duration %v: out of range; fix: %v to %v", o.Duration, tourMin, tourMax)
	case err != nil || host != "localhost" && (bad != nil || !ip.IsLoopback()):
		return exit.Usagef("--listen %s: not an address of loopback, and whoever reaches the page can do harm; fix: --listen 127.0.0.1:7900", o.Listen)
	}
	return nil
}

// Options are those of the members.
func (o *Command) Options() Options { return Options{Nodes: o.Nodes, Seed: o.Seed, Rate: int(o.Rate)} }
