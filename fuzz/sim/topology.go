package sim

import (
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/sched"
)

// Topology says which paths there are.
type Topology string

// The topologies.
const (
	Mesh    Topology = "mesh"    // all paths
	Line    Topology = "line"    // each node reaches the one before and the one after
	Star    Topology = "star"    // all reach node 0, and it them
	Cliques Topology = "cliques" // groups that are meshes, in a ring, joined by single paths
	OneWay  Topology = "oneway"  // between odd and even nodes frames pass in one direction only, but for node 0
	NAT     Topology = "nat"     // two of three nodes hear only whom they spoke to in the last 10 s
)

// Topologies lists them.
var Topologies = []Topology{Mesh, Line, Star, Cliques, OneWay, NAT}

// ParseTopology reads a name.
func ParseTopology(s string) (Topology, error) {
	var names []string
	for _, t := range Topologies {
		if string(t) == s {
			return t, nil
		}
		names = append(names, string(t))
	}
	return "", fmt.Errorf("no topology %q; fix: one of %s", s, strings.Join(names, ", "))
}

// cliqueSize is the number of nodes in a group: about the square root of all.
func cliqueSize(n int) int {
	size := 3
	for size*size < n {
		size++
	}
	return size
}

// reach tells whether frames pass; nil means everywhere.
func (t Topology) reach(n int) func(from, to int) bool {
	switch t {
	case Line:
		return func(from, to int) bool { return from-to == 1 || to-from == 1 }
	case Star:
		return func(from, to int) bool { return from == 0 || to == 0 }
	case Cliques:
		size := cliqueSize(n)
		groups := (n + size - 1) / size
		return func(from, to int) bool {
			a, b := from/size, to/size
			if a == b {
				return true
			}
			neighbours := (a+1)%groups == b || (b+1)%groups == a
			return neighbours && from%size == 0 && to%size == 0
		}
	case OneWay:
		return func(from, to int) bool { return from == 0 || to == 0 || (from+to)%2 == 0 || from < to }
	}
	return nil
}

// seed is whom a node joins.
func (t Topology) seed(n, i int) int {
	switch t {
	case Line:
		return i - 1
	case Cliques:
		size := cliqueSize(n)
		if i%size != 0 {
			return i - i%size
		}
		return i - size
	}
	return 0
}

// natOpen is how long a filter stays open after the node behind it spoke.
const natOpen = 10 * sched.Second

// Wire makes the network of a world one of the topology, and lets every node
// join the one it would be configured with.
func (t Topology) Wire(w *World) {
	n := len(w.Nodes)
	w.Net.Wire(t.reach(n))
	for i := range n {
		if t == NAT && i%3 != 0 {
			w.Net.Filter(i, natOpen)
		}
		if i > 0 {
			w.Join(i, t.seed(n, i))
		}
	}
}
