// Package codec is the wire format of Quidnunc, and the only place where it is described.
//
// One datagram is one frame: a header, records to the end, a trailer. All numbers are little endian. A uvarint is a prefix
// varint: the count of trailing zero bits of its first byte, plus one, is its length n of 1 to 8 bytes, and the number
// stands in the 7n bits above; a zero first byte is followed by 8 bytes in full. Numbers must be in their shortest form.
// Every other choice that a writer could have is taken away too (the longest shared prefix of keys, an absent field instead
// of a zero), so that whatever parses, encodes to the same bytes again.
//
// # Frame
//
//	 0       1       2       3       4       5       6       7       8
//	+-------+-------+-------+-------+-------+-------+-------+-------+
//	|  'Q'  |   1   |     flags     | key id|     reserved, 0       |
//	+-------+-------+-------+-------+-------+-------+-------+-------+
//	|          cluster tag          |                               |
//	+-------+-------+-------+-------+    sender, an origin id       |
//	|                               |                               |
//	+-------+-------+-------+-------+-------+-------+-------+-------+
//	| the blocks that the flags name, in the order of their bits    |
//	+---------------------------------------------------------------+
//	| records                                                       |
//	+---------------------------------------------------------------+
//	| trailer: key id 0: CRC32C (4) of all before it                |
//	|          else: tag of AES-GCM (16); the records are encrypted |
//	+---------------------------------------------------------------+
//
// Blocks, by flag bit:
//
//	0 seal    counter 8, boot salt 16               present exactly if the key id is not 0
//	1 flow    seq 4, ack 4, ack map 8, credit 2, mark 1    per destination; bit i of the map: seq ack-1-i came too
//	2 cookie  16
//	3 rates   rho 4, tau 4, given 8, taken 8, overflow 1 (0 or 1)
//	4 prints  state 8, live 8                       fingerprints: of all origins' (id, max, floor), of observed liveness
//	5 - 7     not assigned: a frame that sets one is dropped, since its block can't be skipped
//	8         hint, no block: sealed with the hello key
//	9         hint, no block: lowest bit of the receiver's boot salt that the seal is bound to
//	10 - 15   hints, no block: not assigned, carried and ignored
//
// # Records
//
//	+------+--------+------------------+
//	| type | length | body             |     type 1 (not 0), length 2
//	+------+--------+------------------+
//
// A record of an unknown type is skipped. Types 1 to 9, 21 and those of precise reconciliation are these; (…)* repeats to
// the end of the body, (…)^n repeats n times:
//
//	1 Hello       flags 1, mode 4, generation 8, boot salt 16, name, address
//	2 HelloReply  as Hello, then: echo 16, known generation 8, known to be alive 1 (0 or 1), cookie 16
//	3 Intro       origin 8, generation 8, name, address
//	4 Sync        kind and hint 1 (kind 1 push, 2 pull, 3 push-pull; plus 4 times the hint, 0 to 3)
//	5 Digest      flags 1, lo 8, hi 8, (origin 8, uvarint max<<1|f, if f: uvarint floor)*
//	6 Run         origin 8, uvarint from<<2|t<<1|f, if f: uvarint floor, entry*, if t: to 7
//	7 Pull        (origin 8, uvarint have)*
//	8 Have        uvarint max, uvarint floor
//	9 Pad         zeros
//	19 PreciseDigest  flags 1, after: origin 8, if not 0: key; (origin 8, n 2, (s | o<<4, key, uvarint version)^n)*
//	20 PreciseRun     origin 8, entry*
//	21 KeyNotice  serial 1, primary 1, (key id 1)*, ascending, the primary among them
//	23 PrecisePull    final 1 (0 or 1), (origin 8, n 2, (uvarint version - version before - 1)^n)*
//
// A name is a length byte, 1 to 128, and that many bytes (UTF-8 by custom; not checked). An address is a family byte, 0
// (none), 4 or 6, then 4 or 16 bytes and the port in 2; an IPv4 address is never in IPv6 form. A digest's flags are 1 "send
// me what I lack", 2 "pull from me what you lack", 4 "last window of the set", 16 "nothing is said of origins that are not
// listed"; its origins ascend within lo and hi, both included. A floor that is written is not 0.
//
// A precise digest covers what comes after (origin, key) in that order, up to and with the last that it lists, or with the
// flag 8 to the end; what it does not list there is unknown to its sender. A key in front is a length byte and its bytes;
// the others are front-coded as in an entry, ascending, none empty, the first of a group against nothing or, if its origin
// is that of after, against that key. A precise run's entries ascend in version from 0 and may leave any out. A group of
// a precise pull without versions asks for all of its origin.
//
// # Entry
//
// A run's entries ascend in version from from, exclusively. If t is absent, the run ends at its last entry (or, without
// entries, at from); if present, to is larger than that.
//
//	uvarint (version - version before - 1)<<1 | f
//	if f:        flags 1, not 0
//	  TTL:       uvarint ttl, uvarint age           milliseconds, 32 bits
//	  stamp:     8
//	  by reference, announcement: uvarint number    32 bits
//	unless by reference:
//	             s | o<<4, if s = 15: s' 1, if o = 15: o' 1, o+o' bytes
//	unless tombstone or announcement:
//	             uvarint length, value
//
// The key is the first s+s' bytes of the key before it (of the first: none) and the o+o' bytes that follow. So a plain entry
// costs 3 bytes, 4 or 5 with long parts of keys, beside what its key has of its own and its value:
//
//	addr  = x   01 | 40 | 61 64 64 72 | 03 | 78    version from+1, shared 0, own 4, length 1
//	addr6 = y   01 | 14 |          36 | 03 | 79    the next version, shared 4, own 1
//
// The entry flags are 1 tombstone, 2 TTL, 4 stamp, 8 by reference, 16 announcement. The last two are the shape of a key
// dictionary to come: an announcement is an entry of its own in the log that binds a number to a key of its origin, and an
// entry by reference says the number. ParseRun checks their form and answers ErrUnsupported.
//
// # Records to come
//
// Their numbers are taken, their bodies opaque to this package for now. What each is for, with the body that is planned:
//
//	10 Probe          nonce 4, incarnation 4, if relayed: subject 8
//	11 ProbeAck       nonce 4, incarnation 4, if relayed: subject 8
//	12 Vote           subject 8, incarnation 4, status 1
//	13 Verdict        (member 8, incarnation 4, status 1, witnesses)*
//	14 Observed       digest of observed facts: lo 8, hi 8, (member 8, incarnation and status)*
//	15 RumorFeedback  (origin 8, window, needed or known or gap)*
//	16 Event          origin 8, lamport time uvarint, payload
//	17 Sketch         cells 1, salt 1, (span 4, check 4, identifiers 8)*: a linear sketch of the version vector
//	18 Repair         kind 1, walk 8, starter 8, at 8, hop 4, hops 4, copied 4, patched 4, skipped 4, entries 8
//	22 Leave          generation 8
//	24 Turn           number 1, as RumorFeedback
//
// # Laws
//
// AppendX appends to the caller's bytes; ParseX checks everything once, in one pass, and gives views of the frame:
// afterwards getters and iterators can't fail. Views die with the frame. Nothing here allocates or panics on any input from
// the network; writers panic when their caller breaks a stated rule. Parsing hostile bytes costs no more than parsing good
// ones. Limits, and the relations between them that the compiler checks, are in limits.go; the entry limit is a constant of
// the protocol. Errors are sentinels without detail, and ReasonOf makes them countable.
//
// What this package does not do: it does not know who may say what, whether an identifier belongs to a name, or whether a
// cluster tag is ours. Sealing is package codec/seal.
package codec
