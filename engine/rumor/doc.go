// Package rumor decides what is worth repeating: which news a node still
// spreads, to whom it does not repeat it, and when it loses interest.
//
// These are the epidemic protocols of Demers et al. ("Epidemic algorithms for
// replicated database maintenance", PODC 1987) and of Karp et al. ("Randomized rumor
// spreading", FOCS 2000). The package reads no clock and owns no bytes of news: the
// store keeps the state, this package keeps the interest in it.
//
// # Parts
//
//   - [Table]: rumor mongering. One rumor is the hot window (lo, hi] of one
//     origin's version axis, with one counter. Push, pull and push-pull;
//     feedback or blind; counter or coin; minimization; connection limit and
//     hunting; the median-counter rule. It sends nothing.
//   - [Monger]: a node's part on the wire. The host tells it what is new, calls Cycle,
//     and calls the Append that Host.Due asked for when a frame leaves. [Peer] is what
//     the host keeps for it with each peer.
//
// # Contacts
//
// In a cycle a node contacts a few peers and sends each the windows that are hot. A
// frame of a contact is
//
//	[RumorFeedback, empty]   a contact opens: count it, and offer in return (pull)
//	Intro, Run ...           the windows
//	[RumorFeedback, Shown]   the sender's counter for each of them
//
// and the answer is RumorFeedback with needed, known, gap or refused for each. A
// policy that needs none of that (blind push) sends the runs alone. News that arrives
// during a cycle becomes a rumor with the next one, so that no peer of this cycle is
// counted as told.
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
// The papers count in synchronous cycles with effects at the cycle's end. [Table.CycleEnd] is that
// end: feedback is collected during a cycle and judged there, unless the policy (tune.RumorPolicy)
// is Immediate and asks for each answer to be judged as it comes. An engine calls CycleEnd once a
// gossip interval.
//
// # Limits
//
// A Table is sized at Init, a Monger with the first news; then nothing is allocated
// but the place of a new origin. A table costs 60 bytes an origin, a Monger 24 more.
// It keeps 256 answers that wait for their frames; what finds no room is as if it was
// lost, and counted by Host.Busy. Origins and peers are handles (0 is nil); a handle
// beyond the table's size panics, because it can only be a mistake of the caller.
package rumor
