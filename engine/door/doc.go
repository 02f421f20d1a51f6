// Package door stands between a node and everybody who has not proved who they
// are. It keeps nothing that grows with the number of strangers, and what a
// stranger can make the node do is bounded in total and by source.
//
// # Proof of an address
//
// An address is believed when somebody there has read what was sent to it. Both
// proofs are keyed hashes, made again when they come back, so nothing is kept:
//
//   - A challenge goes out in a greeting and comes back in the answer: whoever
//     answers has read that greeting, a moment ago, at the address that it was
//     sent to.
//   - A cookie goes out in an answer and comes back with the first frame. It is
//     bound to the address and to the boot salt that it was given to: it is worth
//     nothing elsewhere, nor to another life at the same address.
//
// Where frames are sealed, both travel under the hello key. Who does not hold
// the key can record a greeting and send it again, but never reads the answer,
// and so never shows a cookie: the key of a sender is derived for a valid cookie
// alone, or again, within a budget of its own, for the salt of a member.
//
// # Budgets
//
// A [Budget] is a rate in total and a smaller one for each source. Who uses up
// the total does not use up everybody's turn: a source that had none for a while
// has one even then. Sources are kept in a table of fixed size by a keyed hash,
// so forged ones share the turns of a bucket with whoever is in it, and nobody
// can choose whom they share with.
//
// The package never asks for the time and allocates nothing after Init.
package door
