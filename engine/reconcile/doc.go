// Package reconcile holds the arithmetic of anti-entropy: which origins two
// replicas differ in, in which order the difference is sent, and what a
// receiver may apply.
//
// It is Scuttlebutt reconciliation (van Renesse, Dumitriu, Gough, Thomas,
// LADIS 2008). A digest is a version vector, one (max, floor) per origin. What
// a peer lacks of an origin is everything after the peer's max, and it is
// always sent as a prefix in version order: if one delta is left out, so are
// all later ones of that origin. A receiver applies a run only when the run
// starts at or below what it already has. Together these keep the paper's
// invariant C(author, replica): a key whose current version is at or below the
// replica's max is present there.
//
// # Windows
//
// A version vector may not fit one frame. A digest record therefore states the
// closed range of origin ids that it covers: an origin inside the range that
// is not listed is unknown to its sender, an origin outside is not spoken of.
// Windows rotate, so that every frame stands alone and loss costs one window.
//
// # Orders
//
// When the difference is larger than the frame, a [tune.Order] decides across
// origins. [tune.OrderDepth] sends the origin with most missing deltas whole before the
// next one (the paper's best under equal rates). [tune.OrderBreadth] sends everybody's
// first delta, then everybody's second. [tune.OrderFair], the default, divides the frame
// evenly between the origins that have something to send and starts each frame
// at another origin: with unequal writers depth starves the quiet ones for as
// long as the overload lasts, fair does not. The precise orders are those of package
// precise, which compares the same store key by key.
//
// # Laws
//
// Nothing here allocates after Init, reads a clock or keeps a copy of state: a
// [Job] is a list of (origin, from), and what is encoded is the newest state
// at the moment of encoding.
package reconcile
