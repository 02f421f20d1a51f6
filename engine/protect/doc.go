// Package protect makes frames hard to forge, and opens those of others: in
// clear with a checksum, or sealed. Which of the two is a [Mode], chosen once;
// nobody above asks which it is, save to say so.
//
// # Sealed
//
// Frames of the handshake are under the hello key, all others under the key of
// the sender's present life and bound to the receiver's:
//
//	A -> B  Hello, with a challenge for B's address
//	B -> A  HelloReply: the challenge back, B's salt in the header, a cookie
//	A -> B  the cookie, bound to A's salt; B derives A's key, opens, learns A
//
// The order of work on what comes in, each step cheaper than the next: length,
// magic, version and flags; cluster; key id; for a greeting a budget, for a
// sender whose key is not here a cookie and a budget; the window of counters; the
// cipher. What is learned of a sender is learned after its frame opened.
//
// # Lives
//
// A life is what a peer shows between two starts: a boot salt of 16 random bytes,
// from which its keys follow. A peer's life is kept by its handle: the salt, the
// keys of it that were needed, the window of counters, and the salt before it.
//
// # Rest
//
// What a window and the keys of a life take, a peer has while it is talked with: it is
// active when a frame of it has opened, and rests when it was not heard for a minute, or
// when too many others were heard since (package active). While it rests every counter up to the
// highest that came is used. So what was under way when it began to rest and was overtaken is lost,
// and nothing opens twice. Its next frame costs a derivation: one is kept for each frame
// that was sent to it, and beyond that they have a budget, since whoever listened knows the
// salt. Whom the budget refuses is greeted: for the answer one is kept, too.
//
// # Turning keys
//
// A key is replaced while everybody talks: add the new one on all members, use
// it on all, remove the old one. In between, members seal with either, and all
// open both. Each tells the others which it holds, with every frame until one is
// acknowledged, so that whoever turns the keys sees when the next step is safe.
package protect
