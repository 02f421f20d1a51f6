// Package sim runs whole clusters in virtual time: the very core that an engine
// runs, with every frame really encoded, carried by batch/simnet and parsed,
// under one seed that decides everything. The same seed gives the same run, bit
// by bit, and the same [World.Hash].
//
// # A world
//
//	w := sim.New(sim.Options{Nodes: 5, Seed: 1, Link: link, Check: true})
//	w.Join(1, 0)                       // node 1 is told node 0's address
//	w.Set(0, "key", "value")
//	w.Run(200 * sched.Millisecond)     // time passes
//	part := w.Net.Add(simnet.Rule{...}) // harm: see batch/simnet
//	w.Stop(3); w.Start(3)              // a node dies, and comes back blank
//	took, ok := w.Converge(step, limit)
//	err := w.Err()                     // the first law that was broken
//
// Nodes have a wall clock that can be wrong, a loop that can be slow, a socket
// that can be full and a receive buffer that overflows.
//
// # Laws
//
// With Options.Check every step is held against an oracle that knows what each
// author ever wrote:
//
//   - a replica's max of an origin never goes back, nor does the version of a key;
//   - it holds nothing that the author did not write, and nothing above its max;
//   - it holds everything up to its max that is still the author's newest: the
//     invariant C(author, replica) of the Scuttlebutt paper, equation (2);
//   - a name's generation never goes back;
//   - index, log and fingerprint of the store agree; its limits are kept;
//   - no frame is longer than the limit; no node sends or ticks without end.
//
// What a replica gained is checked at once; small origins whole each time, large
// ones in what is new; and all nodes whole in turn ([World.Audit]).
//
// # The swarm
//
// [NewPlan] makes a plan from a seed: some sizes, some features, some kinds of
// harm, each with a strength of its own (Groce et al. 2012, swarm testing).
// [Try] runs it: harm and writes first, then peace, in which all nodes that run
// must become equal within a bound. [Shrink] makes a failing plan small, and
// [Replay] names it in one word.
package sim
