// Package precise compares two replicas key by key, and sends exactly the entries
// that are newer: the baseline of the Scuttlebutt paper (van Renesse, Dumitriu,
// Gough, Thomas, LADIS 2008).
//
//	a -> b  Sync(kind), fingerprint by key        b: equal, done
//	b -> a  PreciseDigest, windows ... the last   a compares
//	a -> b  PreciseRuns (push), PrecisePull (pull)
//	b -> a  PreciseRuns
//
// Where there are many keys, the first digest has a print of each origin instead, and who
// receives it shows the keys of those that differ:
//
//	b -> a  PreciseDigest, a print an origin
//	a -> b  PreciseDigest, keys of those that differ; PreciseRuns, PrecisePull of whom one does not know
//	b -> a  PreciseRuns, PrecisePull
//	a -> b  PreciseRuns
//
// It is a property of the whole cluster: what a member of the other mode sends is
// refused with reconcile.OtherMode. Every write carries a stamp, by which it is
// ordered: newest first, oldest first, at random or as the embedder says.
//
// Mail and rumors stay runs: their prefix rule holds here too, and what starts
// above our max is taken entry by entry. So an origin's max is a promise still,
// only entries may be here beyond it. It moves with runs, and when the fingerprint
// of the author itself equals ours.
//
// # Answers
//
// A digest comes in windows, and so does a pull list. An answer is sent only when
// the last one was seen, since its order is known only then; when that does not
// come within windowWait, what was gathered is sent.
//
// # Deletes
//
// A tombstone stays until its author's floor has passed it. Floors travel beside
// digests, as runs without entries. Nobody is given again what they forgot: what is
// not here at or below our max was written again or deleted, so it is neither asked
// for nor taken. Who learns of a floor above their max may hold what was deleted, and
// is mended by intervals (package interval), which bring them level first.
//
// # Forged entries
//
// A version names one write of one key. So what the author itself lists, or sends, is right:
// it is asked for though our max has passed it, and takes the place of another key under its
// version. Who brought that one is named (package checkpoint). What the author never wrote
// at all shows in the next digest that it sees, and it goes on under a new life.
//
// # Limits
//
// Answers under way are Config.Jobs, of Config.Wants entries each; what does not
// fit is found again by a later exchange. Memory is taken with the first use of
// each answer. A digest costs what all keys of the origins that differ cost, not what differs, and
// that of Config.NoPrint what all keys cost: that is what this mode is compared for. So a peer's budget holds it back where it holds news back, and of a
// small receive rate digests leave to entries what these need: they make no debt, answers go
// before them, and one frame in eight that begins with neither is left to them.
//
// Two of whom one has no seats for all differ for good. They send each other digests in pauses
// of 1 to 16 s while that shows nothing new, and when strangers are tried again.
package precise
