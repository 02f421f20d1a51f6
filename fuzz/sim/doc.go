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
//   - no frame is longer than the limit; no node sends or ticks without end;
//   - to an address where nobody has proved to read it a node sends three times what came from
//     there at most, greetings and the detector's frames apart;
//   - a node's rate is what it began with, adapted, gave and took, and all have not taken more of
//     each other's rates than they gave;
//   - a peer is one origin and an origin one peer, for the detector as well;
//   - nobody has confirmed more than it holds;
//   - a node counts what its frames show: frames, bytes, entries, digests, pulls;
//   - a key that waits to be published keeps its turn, however often it is written;
//   - nothing ends within a batch, and who is level with an author's log holds what that one
//     held at that version, no key more or less;
//   - what lives by a lease is shown by nobody once that has ended or was ended, whoever is
//     dead and whoever joined since; where nothing is held up, and while it is renewed, by all.
//
// And when all harm has ended, or in a plan without any:
//
//   - all that run become equal, and stay so, a replica that was full as well once its
//     authors have deleted;
//   - confirmations move within seconds of somebody asking;
//   - what is mailed where nothing is lost is everywhere after one path, and a little;
//   - nodes that hold the same send no entries, and no more frames than detector,
//     exchanges and walks need;
//   - whatever was dropped has an explanation in the plan; without harm nobody is
//     missed, and nothing that anybody says is absurd.
//
// TestLawsCanBeBroken breaks them.
//
// The numbers of frames of every other life begin close below 2^32, so that all of this holds also
// where they begin anew, as it happens to a path once in some weeks.
//
// In some plans the last node lies ([LiePlan]): it confirms what it does not hold, condemns the
// living, hides or scrambles what it says of a kind, and repeats itself. What honest nodes know of
// each other then keeps all laws; counters and times have the lies for an explanation.
//
// What a replica gained is checked at once; small origins whole each time, large
// ones in what is new; and all nodes whole in turn ([World.Audit]).
//
// # The swarm
//
// [NewPlan] makes a plan from a seed: some sizes, some features, some kinds of
// harm, each with a strength of its own (Groce et al. 2012, swarm testing).
// [Try] runs it: harm and writes first, then peace, in which all nodes that run
// must become equal within a bound; where the dead left more than some have room for,
// those who have room for all. [Shrink] makes a failing plan small, and
// [Replay] names it in one word. Run it as tests do, or without end:
//
//	go test ./fuzz/sim -run Swarm -sim.seeds 1000
//	go run ./tools/qn sim --swarm 100000 --budget 10m
//	go run ./tools/qn sim --replay p6.s4f3a.n3
//	go run ./tools/qn sim --replay p6.s4f3a.n3 --html run.html
//
// The last one is [Shoot]: the run as a page of frames and beliefs over time.
//
// # The trace
//
// [Trace] sums up all that can be seen of a plan from outside the cores, so that
// a change that means to move code and nothing else can show that it did:
//
//	go test ./fuzz/sim -run TraceHash                      against testdata/trace.txt
//	go test ./fuzz/sim -run TraceHash -sim.trace 500 -v    one hash over many seeds
//
// # How to write a scenario
//
// A scenario is a text in scenarios/: what is done, and below a line of four
// dashes every frame that left since, to the next empty line. Write only what is
// done; then
//
//	go test ./fuzz/sim -run Scenarios -update
//
// fills in the rest, and from then on the test tells when it changes. Read what
// it wrote: each line is the time in milliseconds, sender, receiver, length, and
// what the frame says; #n is its sequence number to that peer modulo 256, print
// the first four digits of a fingerprint. A frame that was lost says so at its
// end. Lines that begin with # are for the reader. An outcome stands for all
// lines above it up to an empty line.
//
//	nodes a b c             names, then settings: interval=100ms delay=5ms seed=7
//	                        spread=auto|mail|rumor|gossip|delegated mode=push-pull|push|pull
//	                        frame=1200 detector=on
//	a joins b               a is told b's address
//	a sets key some value
//	a deletes key
//	a fills 5 300           keys k0 to k4 with values of 300 bytes
//	run 50ms                time passes
//	run until equal 2s      until all hold the same; an error if that takes longer
//	drop a > b digest 2     the next two frames from a to b that say "digest" are lost
//	cut a b | c             no path crosses; cut a > b is one way only
//	mend                    all cuts end
//	stop a                  a dies
//	start a                 and comes back blank, in its next generation
//	show                    what everybody holds
//
// Defaults make a quiet stage: every frame takes 1 ms, exchanges begin once a
// second, and nobody watches anybody (detector=off). Laws are checked throughout,
// so a scenario that breaks one fails whatever its text says. A fault that the
// swarm found belongs into the table of TestFound, or, if it can be told in ten
// lines, here.
package sim
