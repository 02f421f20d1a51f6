// Package state is a node's replica: what it knows of every origin, in memory that the garbage collector does not trace.
//
// # Vocabulary
//
// A node has a stable name; a (name, generation) pair is an origin. An origin alone writes its keys. Each write takes the
// origin's next version, one counter over all its keys, and only the newest version of a key counts (van Renesse et al.,
// "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols", 2008: Scuttlebutt). What a replica knows of an
// origin is (generation, max, floor): every live key with a version up to max is here, and tombstones up to floor may
// have been collected.
//
// # Layout
//
// There are no pointers in the data: everything is in pages of a few arrays, and what refers to something is a 32-bit
// number with 0 for nothing.
//
//	index    word: 32 bits of fingerprint | 32 bits cell          8 B at a load of 0.68 to 0.85: 10.5 B a key
//	cell     head of 20 B, key, value; immutable                  20 B a key, and about 6 % for the size class
//	log      word: 32 bits of version | 32 bits cell              8 B, three quarters of them live: 11 B a key
//	origin   record of 96 B, its name, a first log block of 64 B
//
// A version log is one list for each origin, ordered by version, of segments that grow from 6 words to 510. Writes come
// in version order, so they append; an overwrite kills the older word; what a peer lacks is a binary search and then a
// sequential walk. Compaction goes with the writes: a tail that is full but half dead is rewritten, neighbours that fit
// one block are merged. No write moves more than about a thousand words.
//
// # Laws
//
//   - One goroutine, the writer, calls everything but the methods that say that they are for readers.
//   - A write changes everything or nothing. At a limit nothing that is here is lost.
//   - In steady state nothing allocates. Growth takes pages, and index tables a quarter larger than before.
//   - Equal knowledge gives equal fingerprints, and the fingerprint is kept by each call, not computed.
//
// # Limits
//
// Tombstones stay as entries: they are not collected yet, but the floor is carried. See Limits for the rest.
package state
