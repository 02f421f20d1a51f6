// Package names has the rules of who is who: what a node may believe of somebody
// who says to be a member.
//
// A member in service keeps what it has proved. Somebody else who says to be it,
// from another address or in another life, has a [Claim]: the known one is
// challenged where it is known, and as long as it answers from there the claim
// comes to nothing. So neither a copied machine nor a holder of the key can take
// the place of a member that is alive; and a member that really moved, or came
// back elsewhere, has it as soon as the old address stayed silent.
//
// A node's own name is a [Self]: told what is heard of its name, it says what to do
// about it. Whoever was replaced or forgotten has a grave in [Graves].
package names
