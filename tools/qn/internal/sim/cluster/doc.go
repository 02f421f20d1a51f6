// Package cluster is "qn sim": whole clusters in virtual time, the hunt for
// broken laws through many seeds, replays and scenarios.
package cluster
