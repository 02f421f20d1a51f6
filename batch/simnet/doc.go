// Package simnet is a network in memory that misbehaves by seed.
//
// # The model
//
// A [Model] decides the fate of datagrams between numbered nodes: how many
// copies arrive, when, and with which bit turned over. It is told the time,
// draws from one seeded stream and does nothing else, so the same calls give
// the same fates. Its base [Link] holds everywhere; a [Rule] lays another Link,
// a cut, or a clog over some directed paths for some time:
//
//	m.Add(simnet.Rule{From: left, To: right, Both: true, Cut: true})    // a partition
//	m.Add(simnet.Rule{From: one, Cut: true})                             // one way: it is not heard
//	m.Add(simnet.Rule{To: one, Clog: true, Until: now + sched.Second})   // all arrives late, at once
//	m.Add(simnet.Rule{From: a, To: b, Link: simnet.Link{MTU: 1280}})     // longer frames vanish
//	m.Add(simnet.Rule{Link: simnet.Link{Burst: simnet.Burst{...}}})      // losses that come in bursts
//
// # Two drivers
//
// fuzz/sim, and the tests of the leaves and of the core, have a virtual clock and
// a [Queue] of what will happen, and ask the model for each frame that is sent:
// whole clusters, exactly repeatable.
//
// [Network] is for engines. Its [Poller] and Conn implement the batch contract
// and park on a channel and a timer, with no goroutine of their own, so that
// engines run on it under testing/synctest in virtual time, or in real time
// without a socket. Which of two engines sends first is the Go scheduler's
// choice there, so a run is like another of the same seed, but not equal to it.
// A Network that is used in a synctest bubble must be made in it.
//
// [Poller.Streams] implements batch.Streams over the same paths: what is cut
// does not connect, loss costs the time of retransmission, and [StreamFaults]
// add resets, half-open connections, stalls, forged bodies and a rate.
//
// # Limits
//
// There is no bandwidth: frames do not delay each other. A receive buffer is
// counted in the bytes that the Linux kernel charges for a datagram, roughly
// ([ChargedBytes]).
package simnet
