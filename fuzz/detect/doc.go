// Package detect simulates the failure detector alone: many engine/member
// tables, virtual time, a network that loses, delays and cuts, nodes that crash
// and stall. No state is replicated, so that 10,000 nodes fit in memory: what
// all nodes know alike, the ring of members, is one shared, immutable structure, and each table
// holds facts only about members that are not simply alive.
//
// Every message goes through its encoding; a run depends on its configuration
// and seed only. A node that wakes from a stall looks at its timers before its
// mail, which is the worse order.
package detect
