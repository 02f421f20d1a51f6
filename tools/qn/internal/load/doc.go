// Package load measures a cluster of engines in one process: it starts them on loopback sockets,
// writes at a constant total rate, follows sampled writes to every replica, and compares all
// replicas with what was written at the end.
//
// How it stays honest:
//
//   - The load is open: write n is due at start + n/rate, and every time counts from there. A
//     generator that waits for the system it measures would leave out exactly the moments at which
//     the system stalls ("coordinated omission").
//   - The generator reports how late it was itself (pacer_lag_us); that time is part of the visible
//     times.
//   - Visible means that a replica holds the write and every earlier write of the same origin. The
//     engines' loops report it in the turn in which it becomes true; the clock is read after that
//     turn's work. What that costs is measured and reported (observer_cpu_share).
//   - "Half", "99 %" and "all" are of the nodes other than the writer. Times that never came are
//     not in a percentile, but the replicas are then not equal, and the run says so.
//   - Counters, allocations and CPU time are differences over the measured phase, of the whole
//     process, generator included.
//   - Equal at the end means: every key, version and value of every origin on every node is what
//     the generator wrote last. No digest and no fingerprint is trusted for it.
//
// A search for the highest sustained rate (findMax) repeats such runs.
package load
