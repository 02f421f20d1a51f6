// Package seal encrypts and authenticates frames with AES-GCM, for those who hold a key of the
// cluster.
//
// # Keys
//
// A cluster key of 16 or 32 bytes, named by an id from 1 to 255, gives AES-128 or AES-256. It is
// never used itself:
//
//	prk        = HKDF-Extract(SHA-256, salt "quidnunc frame v1", cluster key)
//	frame key  = HKDF-Expand(prk, "frame" ‖ cluster tag ‖ boot salt of the sender)
//	hello key  = HKDF-Expand(prk, "hello" ‖ cluster tag)
//
// The boot salt is 16 random bytes for each start of a node; frames carry it in clear. So each life
// of each node seals with a key of its own, and its counter is the nonce: 4 zero bytes and the
// counter in 8. A node's generation has no part in this: it repeats when a clock steps back or a
// machine is cloned, and a salt does not. One shared key with random nonces would reach its bound
// of 2³² frames (SP 800-38D §8.3) within 72 minutes at 1,000 nodes of 1,000 frames a second.
//
// The hello key is one for the cluster, so that a stranger's first word can be opened without a
// derivation. Its nonce is the first 8 bytes of the sender's salt and a counter of its own in 4
// bytes: two senders collide only if their salts begin alike, after 2³² starts.
//
// # What is sealed
//
// The records are encrypted. The header in clear and, except in a hello, the receiver's boot salt
// are associated data: a frame opens only at the node, and in the life of that node, that it was
// sealed for. A Window for each sender drops what was seen before (RFC 6479). When a counter nears
// its end, Box.Worn says so and Box.Rotate takes a new salt; at the end, sealing fails: a nonce
// never repeats under a key, by construction, since only the Box writes counters.
//
// # What it costs
//
// Keyring.Derive allocates and takes microseconds: do it for admitted peers only, and keep the Key.
// Sealing and opening allocate nothing and work in place. Order of work on a hostile frame:
// codec.ParseHeader, cluster tag, key id (Keyring.Holds), cookie (engine/door), window, and only
// then the cipher.
//
// # Limits
//
// Every holder of a cluster key can speak as any node. A frame recorded before its sender's window
// was made can be replayed once, within one life of the receiver. Cipher objects of the standard
// library can't be erased; what is here is erased by Close and Remove. The state of a virtual
// machine that is copied while it runs holds the salt: restart the copy. Counter nonces are not a
// mode approved by FIPS 140; the standard library refuses them under GODEBUG=fips140=only.
package seal
