// Package tune has what the literature of gossip varies: how members compare, what goes
// first into a frame, how a write leaves its author. Engines run well with the zero
// [Options]; the others are for experiments, and for clusters that know better.
//
// Members of one cluster must agree on whether the Order is precise, and should agree on
// the Mode. Everything else may differ from member to member.
//
// All enumerations here are texts in JSON and flags: String and its inverse, Parse.
//
// # References
//
// Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", PODC 1987
// (Mode, Diff, RumorPolicy). Karp et al., "Randomized Rumor Spreading", FOCS 2000
// (LossMedian). Van Renesse et al., "Efficient Reconciliation and Flow Control for
// Anti-Entropy Protocols", LADIS 2008 (Order, Flow).
package tune
