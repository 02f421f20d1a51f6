// Package rumor decides what is worth repeating: which news a node still
// spreads, to whom it does not repeat it, and when it loses interest.
//
// It holds the decision state of the epidemic protocols of Demers et al.
// ("Epidemic algorithms for replicated database maintenance", PODC 1987) and of
// Karp et al. ("Randomized rumor spreading", FOCS 2000). It sends nothing, reads
// no clock and owns no bytes of news: the caller keeps the state, this package
// keeps the interest in it.
//
// # Parts
//
//   - [Table]: rumor mongering. One rumor is the hot window (lo, hi] of one
//     origin's version axis, with one counter. Push, pull and push-pull;
//     feedback or blind; counter or coin; minimization; connection limit and
//     hunting; the median-counter rule.
//
// # States
//
// To a node a piece of news is susceptible (not known), infective (known and
// repeated: "hot" here) or removed (known and no longer repeated). A rumor
// becomes hot when its news is applied and only then; nothing that a peer says
// about a rumor can make it hot, so a forged or replayed record can cool one
// down early, which anti-entropy repairs, but can't bring one back.
//
// # Cycles
//
// The papers count in synchronous cycles with effects at the cycle's end.
// [Table.CycleEnd] is that end: feedback is collected during a cycle and judged
// there, unless [Policy.Immediate] asks for each answer to be judged as it comes.
// An engine calls CycleEnd once a gossip interval.
//
// # Limits
//
// Everything is sized at Init and nothing is allocated afterwards. A table
// costs 60 bytes an origin. Origins and peers are handles (0 is nil); a handle
// beyond the table's size panics, because it can only be a mistake of the caller.
package rumor
