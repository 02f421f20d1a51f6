// Package sched is time and chance as data. Nothing in it reads a clock or a
// global source of randomness: the caller says what time it is and owns the
// generator, so that the same calls give the same answers on every machine.
//
//   - [Instant] and [Wall] are the two clocks, as integers.
//   - [Rand] is a small seeded generator (PCG-DXSM); [Shuffle] and [Sample]
//     draw from it.
//   - [Wheel] is a hierarchical timing wheel for timers named by small
//     integers: set, cancel and expire in O(1), one bitmap word a level.
//   - [RoundRobin] walks a changing set of handles so that nobody waits more
//     than two rounds (SWIM §4.3).
//   - [Timer] and [Timers] are timers of a wheel in the hands of their owner.
//   - [Heap] is a binary heap of whatever has a time.
//   - [Turns] is a queue of handles, each in it once; [Sampler] picks some of a set.
//   - [RTT] estimates a round trip and its timeout (RFC 6298).
//   - [Pacer] is a token bucket.
//
// Laws: no float, no map, no goroutine, no lock; nothing allocates after Init;
// every value is owned by one caller at a time. All decisions are integer
// arithmetic, so a replay is the same on every processor.
package sched
