// Wire runs a cluster of real processes over a network in user space, hurts the network and
// the processes, and holds what every member shows against what its owner wrote.
//
//	go run ./fuzz/wire                              eight members, 45 seconds
//	go run ./fuzz/wire -time 1h -nodes 12           an hour by hand
//	go run ./fuzz/wire -seed 7 -kinds hole,kill     what a seed plans, of these kinds only
//	go run ./fuzz/wire -join 1000000                how a member joins one that holds so many keys
//	go run ./fuzz/wire -join 1000000 -join.rate 100 -join.loss 1 -join.of all    one row of that
//
// Each member has a network namespace of its own with a TUN device whose other end is the
// wire in this process, so no kernel module for delay and loss is needed: every packet is
// read here, and lost, held back, repeated, damaged, or written to the device of the member
// that it is for. Namespaces and devices have no names; they end with this process, however
// it ends, and so do the members.
//
// A seed plans the faults, one phase after another: a deck of all kinds is shuffled and played,
// then the next. Half of the phases have bad weather beside: some loss and some jitter for all.
// What becomes of one packet is drawn from the seed too, but times are those of a real machine, so
// a seed repeats the plan and not the run.
//
// With -join nothing is hurt but the link: it carries 100 Mbit/s or 1 Gbit/s and loses none to
// 30 % of datagrams alone, as a policer does, or of all packets, and the table says after what
// time a member that joins holds all, with streams and without. How much goes over them is the
// engine's choice. What the wire itself carries depends on the machine.
//
// # Laws
//
//   - Prefix: whatever a member shows of another is a state that the other was in, after one
//     of its writes: no write is left out, none comes early, no deleted key comes back.
//
//   - Versions: what a member shows of another never goes back, nor to an older life.
//
//   - Values: each is the one that its owner made for that key and that write.
//
//   - No false deaths: nobody declares a member dead to whom nothing was done that lasts
//     longer than Detector.Grace, and nobody on their own side of a cut.
//
//   - Whoever is not cut off has all the news while the fault lasts, and everybody has soon
//     after it ended. News are there when a key shows them; a whole state of somebody who writes
//     on and on (engine.View) may not be had while more than an eighth of all frames is lost, and must be soon
//     afterwards. They show everybody of whom they have it as alive, but for a member
//     whose packets don't reach them: that one they may suspect, and nobody else may.
//
// A machine that stands still for a second kills members by itself: where this process or a
// member to whom nothing was done sees that, the deaths of that phase count for nothing, nor
// does how long news take while its fault lasts, and the last line says of how many phases that
// is true. Linux only, and whoever runs it needs
// the right to make namespaces; the test says so and is skipped without.
package main
