// Package state is a node's replica: what it knows of every origin, in memory that the garbage
// collector does not trace.
//
// # Vocabulary
//
// A node has a stable name; a (name, generation) pair is an origin. An origin alone writes its
// keys. Each write takes the origin's next version, one counter over all its keys, and only the
// newest version of a key counts (van Renesse et al., "Efficient Reconciliation and Flow Control
// for Anti-Entropy Protocols", 2008: Scuttlebutt). What a replica knows of an origin is
// (generation, max, floor): every live key with a version up to max is here, and tombstones up to
// floor may have been collected. A replica that may hold deleted keys because it learned of a floor
// too late is dirty, and its fingerprint is never that of a clean one.
//
// # Layout
//
// There are no pointers in the data: everything is in pages of a few arrays, and what refers to
// something is a 32-bit number with 0 for nothing. An entry is three things:
//
//	index word, 8 bytes, in an open-addressing table
//	   0  cell: reference in granules of 8 bytes            4 bytes
//	   4  fingerprint of (origin, key)                      4 bytes
//
//	log word, 8 bytes, in a segment of the origin's version log
//	   0  cell, or 0 once the entry is overwritten          4 bytes
//	   4  version less the segment's base                   4 bytes
//
//	cell, 20 bytes and what it carries, in a page of its size class
//	   0  version                                           7 bytes
//	   7  flags of the entry                                1 byte
//	   8  tag: handle of the origin (21 bits), its reuse    4 bytes
//	  12  position of the log word; the writer's            4 bytes
//	  16  length of the value                               2 bytes
//	  18  length of the key                                 1 byte
//	  19  size class of the cell                            1 byte
//	  20  with a TTL: duration, birth, 12 bytes; with a stamp: 8 bytes; with a lease: both and its number, 16 bytes
//	      key, value
//
// The slot that other stores keep between index and value is the head of the cell, so that a lookup
// takes two dependent loads and not three; what names a write for ever, for timers for instance, is
// (origin, version): see Store.At.
//
//	overhead a key      written once   overwritten at random
//	cell head                  20.0                   20.0
//	size class (48 B)           4.0                    4.0
//	log                         8.0                   11.9
//	index                      10.9                   10.9
//	together, with pages       43.3                   48.4   (TestBytesPerKey: a million keys of 16 + 32 bytes)
//
// An origin costs a record of 128 bytes, its name, about 34 bytes in two indexes and the order by
// identifier, and a first log block of 64 bytes.
//
// A version log is a list of segments that grow from 6 words to 510. Writes come in version order,
// so they append; an overwrite kills the older word; what a peer lacks is a binary search over
// segments, usually none within the segment, and then a sequential walk. Lists, heaps and trees
// were measured against it: a heap has only its top, a list can't seek, a tree pays for insertions
// in the middle, which do not happen here but in ApplyAny.
//
// # Growth and compaction
//
// All of it goes with the writes, a bounded piece at a time. A tail that is full and half dead is
// rewritten; neighbours that fit one block are merged; both move at most 510 words. The index is
// split in tables of at most 2,048 words, each of which grows by a quarter or splits for itself
// (extendible hashing). Pages are 16 and 32 KiB; when few are left, half empty pages of cells are
// emptied, up to 64 cells with each write. The entries of a removed origin go 16 with each write,
// or by Tidy. The slowest of three million calls that fill a store with a million keys and
// overwrite them takes 30 to 50 µs (BenchmarkWorstApply). Origins with more than two million keys
// have longer segments, and pauses up to four times that.
//
// # Readers
//
// AppendGet, AppendGetID, AppendGetOrigin and Range may be called by any goroutine at any time.
// They take no lock and never wait, and the writer never waits for them. A cell does not change
// after it was published by an atomic store of its index word. What is replaced (cells, log blocks,
// directories, handles) is retired, and used again only after every reader that could have seen it
// has left: see epochs. Words of the index never move within a table, so a miss needs no second
// look; a table that was replaced stays as it was. A reader that the scheduler stops while it looks
// holds back memory, and at the limit that can make a write Full for a while, but never wrong.
//
// Get sees a write when Apply returns; Range, which walks the log, when Advance does.
//
// # Batches
//
// Entries that were written together (codec.EntryMore) are taken together or not at all: ApplyRun
// looks whether there is room for all of them before the first is shown. What Store.Level is true
// of is a state that the owner was in.
//
// # References
//
// An entry may come with the version that it took the place of, and no key (codec.EntryByRef).
// ApplyRun takes the key from what lives there, if the writer of the log itself brought that too, or if
// it was there when the log was found to be the writer's ([Store.Prove]): what others brought may be
// forged, and the writer's own words must not lead there. Else the run is taken up to there, and
// Applied.Unnamed says so. What the last writes of the store's owner replaced is remembered
// ([Store.Former]): as many as it has entries, at most 2,048, of 16 bytes each. What is proven takes
// 16 bytes an origin.
//
// # Leases
//
// What names a lease is hidden from readers when the lease ends, by age or by the tombstone of its
// entry: in that moment, everywhere, whatever else comes. Then the owner deletes the keys, each by
// a tombstone of its own, a few in a turn. To have that one tombstone stand for all of them would
// save those bytes (4.8 a key and member where keys are alike:
// engine.TestTheEndOfALeaseCostsFewBytes), but a delete would not be an entry any more, on which
// all else relies:
//
//   - Every replica would drop the keys in a walk of its own. Until that is through, two that hold
//     the same versions have other sums of checkpoints and other prints.
//   - The lease's tombstone may be collected once all have it. Whoever is fed then by one whose
//     walk is not through keeps keys that nobody will ever delete, hidden and counted by
//     Limits.Keys.
//   - A number that is granted again, as after a restart, would wake such keys.
//
// # Former lives
//
// When another life of a member takes the place of the one that is here, readers go on seeing what
// that one wrote, key by key, until the new one has said something of all of it, or 10 s have
// passed: echo.go. Fingerprints, digests and the methods that take a handle or an identifier know
// nothing of it. For half a minute a life says what it does not have when it is asked to delete it:
// deny.go.
//
// # Laws
//
//   - One goroutine, the writer, calls everything but the methods that say that they are for
//     readers.
//   - A write changes everything or nothing. At a limit nothing that is here is lost.
//   - In steady state nothing allocates. Growth takes pages, and index tables a quarter larger than
//     before.
//   - Equal knowledge gives equal fingerprints, and the fingerprint is kept by each call, not
//     computed.
//   - A handle, a cell and a log block are not used again while a reader may see them.
//
// # Limits
//
// Limits.Keys counts keys that are not deleted and Limits.ValueBytes bytes of cells, for admission
// and for storage alike: what Admits told an owner that it may write is stored, whatever sizes came
// before (squeeze.go). What takes no more than it replaces is always taken, a delete before all. No
// origin can lock the others out (admit.go).
//
// FarmHash is not cryptographic: the secret in front of each key keeps an outsider from choosing
// keys that collide, it does not withstand somebody who can measure lookups for long.
package state
