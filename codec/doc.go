// Package codec is the wire format of Quidnunc, and the only place where it is described. A test
// reads this page: its tables and the constants are compared, and every golden sample is taken
// apart by the grammar below.
//
// One datagram is one frame: a header, records to the end, a trailer. All numbers are little
// endian. A uvarint is a prefix varint: the count of trailing zero bits of its first byte, plus
// one, is its length n of 1 to 8 bytes, and the number stands in the 7n bits above; a zero first
// byte is followed by 8 bytes in full. Numbers must be in their shortest form. Every other choice
// that a writer could have is taken away too (the longest shared prefix of keys, an absent field
// instead of a zero, ascending lists), so that whatever parses, encodes to the same bytes again.
//
// # Frame
//
//	 0       1       2       3       4       5       6       7       8
//	+-------+-------+-------+-------+-------+-------+-------+-------+
//	|  'Q'  |   2   |     flags     | key id|         nonce         |
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
// The nonce is that of a greeting that may be refused: the first 3 bytes of its salt. In all other
// frames it is 0; it is carried and not checked.
//
// Flags. The low byte names blocks, and a frame that sets an unknown one is dropped, since its
// block can't be skipped. The high byte holds hints; unknown ones are carried and ignored:
//
//	1     seal     counter 8, boot salt 16             present exactly if the key id is not 0
//	2     flow     seq 4, ack 4, ack map 8, credit 2, mark 1    per destination; bit i of the map: seq ack-1-i came too
//	4     cookie   cookie 16                           the receiver's proof that it reaches us, given back
//	8     rates    rho 4, tau 4, given 8, taken 8, overflow 1   overflow is 0 or 1
//	16    prints   state 8, live 8                     fingerprints: of all origins, of observed liveness
//	256   hello    sealed with the hello key
//	512   salt     lowest bit of the receiver's boot salt that the seal is bound to
//	1024  repair   nothing but repair or bulk inside: who is overloaded may drop it undecoded
//
// Marks, the last byte of the flow block; unknown ones are carried and ignored:
//
//	1  congested  the sender has a standing queue of received frames
//	2  ask        answer at once: what you hold of my writes, and your fingerprint
//	4  now        acknowledge at once
//
// # Records
//
//	+------+--------+------------------+
//	| type | length | body             |     type 1 (not 0), length 2
//	+------+--------+------------------+
//
// A record of an unknown type is skipped. In a body "name n" is a field of n bytes. In a uvarint
// a<<k|b the bits from k on are a, and b is below them; "if b:" and "unless b:" say whether the
// next field is there; (…)* repeats to the end of the body or to the fields behind it, (…)^n
// repeats n times. bytes is a uvarint length and as many bytes:
//
//	1   Hello          flags 1, min 1, max 1, kinds 1, mode 4, generation 8, salt 16, uvarint renewed, name, address
//	2   HelloReply     flags 1, min 1, max 1, kinds 1, mode 4, generation 8, salt 16, uvarint renewed, name, address,
//	                   echo 16, known generation 8, known alive 1, cookie 16
//	3   Intro          origin 8, generation 8, min 1, max 1, kinds 1, age 1, uvarint renewed, name, address
//	4   Sync           kind and hint 1
//	5   Digest         flags 1, lo 8, hi 8, (origin 8, uvarint max<<2|dirty<<1|f, if f: uvarint floor)*
//	6   Run            origin 8, uvarint from<<4|dirty<<3|level<<2|t<<1|f, if f: uvarint floor, (entry)*, if t: to 7,
//	                   unless level: max 7
//	7   Pull           (origin 8, uvarint have)*
//	8   Have           uvarint max<<2|o<<1|dirty, uvarint floor, if o: uvarint open
//	9   Pad            (zero 1)*
//	10  Probe          nonce 4, target 8, incarnation 4, status 1, health 1, echoes 1, if echoes=1: echo 4,
//	                   if echoes=1: held 4
//	11  ProbeAck       nonce 4, incarnation 4, status 1, health 1
//	12  Vote           subject 8, incarnation 4, round 4, stance and reply 1, health 1
//	13  Verdict        (member 8, incarnation 4, status 1)*
//	14  Observed       answer 1, (sum 4)*
//	15  RumorFeedback  (kind 1, counter 1, origin 8, hi 8, if kind=3: max 8)*
//	16  Event          origin 8, seq 8, time 8, topic length 1, (topic and payload 1)*
//	17  Sketch         cells 1, salt 1, (span 4, check 4, identifiers 8)*
//	18  Repair         kind 1, walk 8, starter 8, at 8, hop 4, hops 4, copied 4, patched 4, skipped 4, entries 8
//	19  PreciseDigest  flags 1, after 8, if after: after key, (origin 8, n 2, (key, uvarint version)^n)*
//	20  PreciseRun     origin 8, (entry)*
//	21  KeyNotice      serial 1, primary 1, (key id 1)*
//	23  PrecisePull    final 1, (origin 8, n 2, (uvarint gap)^n)*
//	24  Turn           number 1, (kind 1, counter 1, origin 8, hi 8, if kind=3: max 8)*
//	25  Refusal        reason 1, min 1, max 1, detail 8, echo 16
//	26  FullAt         (origin 8, uvarint version, uvarint beyond, uvarint missing)*
//	27  Checkpoint     origin 8, sum 8, uvarint version
//	28  Signature      origin 8, digest 32, key 32, signature 64, uvarint version
//	29  PublicKey      origin 8, key 32, former 32, signature 64
//	33  Delegate       serial 4, uvarint back<<3|lazy<<2|same<<1|r, if r: lo 8, if r: hi 8
//	34  Covered        covers 1, (serial 4)*
//	35  Intervals      origin 8, uvarint max, (uvarint skip, uvarint span, uvarint count, print 8)*
//	36  IntervalPull   origin 8, uvarint max, (uvarint skip, uvarint span, uvarint step)*
//	37  Audits         origin 8, uvarint max, (uvarint skip, uvarint span, uvarint count, print 8)*
//	38  AuditPull      origin 8, uvarint max, (uvarint skip, uvarint span, uvarint step)*
//	39  Part           origin 8, uvarint from<<4|dirty<<3|level<<2|t<<1|f, if f: uvarint floor, (entry)*, if t: to 7,
//	                   unless level: max 7
//	41  Ranges         bits 1, lo 8, (print 8)*
//
// What the fields mean, beyond their names:
//
//   - A name is a length byte, 1 to 128, and that many bytes of printable UTF-8. An address is a
//     family byte, 0 (none), 4 or 6, then 4 or 16 bytes and the port in 2; an IPv4 address is never
//     in IPv6 form. min and max are the format versions that somebody speaks, from 1 on, kinds the
//     last kind of entries that it knows, from 1 on. renewed is the generation less the seniority,
//     the first generation of the boot: 0 unless it had to renew itself; the seniority is at least
//     1.
//   - A Sync's kind is 1 push, 2 pull, 3 push-pull; plus 4 times the hint, 0 to 3: how large a
//     difference was seen lately.
//   - A digest's origins ascend within lo and hi, both included. dirty, here and elsewhere: the
//     sender may still hold keys whose deletes were collected. A floor that is written is not 0,
//     but in Have.
//   - A run covers the versions above from up to to; without t it ends at its last entry, or
//     without entries at from, and with t it ends beyond that. max is what the sender holds of the
//     origin; level says that it is the run's end.
//   - A Pull's origins stand in any order; have is what the asker holds.
//   - A Have is about the receiver's own origin. The contents that its entries refer to are
//     complete up to max - open.
//   - A Probe's target alone answers it. echo is the nonce of the target's last answer, which
//     arrived held microseconds ago; echoes is 0 or 1. A Vote's stance has 128 added when it
//     answers one. An Observed record has 64 sums, the low halves of the sums of facts by the first
//     6 bits of a member's identifier; answer is 0, or 1 when it answers one. A Verdict has at
//     least one fact, a RumorFeedback at least one answer.
//   - The hi of a feedback is the end of the offered window; max, below it, is what the answerer
//     holds. A Turn with the number 255 wants no answer. An Event with an empty body asks for the
//     events that the receiver keeps. A Sketch has 24, 40, 60, 80, 120 or 240 cells.
//   - A precise digest covers what comes after (after, its key), up to and with the last that it
//     lists or, with the flag 8, to the end; what it does not list there is unknown to its sender.
//     The key after is a length byte and its bytes; the others are front-coded as in an entry,
//     ascending, the first of a group against nothing or, if its origin is after, against that key.
//     A precise run's entries ascend from 0 and may leave any out. A group of a precise pull
//     without versions asks for all of its origin; a gap is a version less the one before, less 1.
//   - A KeyNotice's key ids ascend, the primary among them. A Refusal echoes the salt of the
//     greeting. A FullAt says of the sender alone that it has no room: how far it took an origin's
//     log whole, that of so many versions beyond it took what takes the place of something, and how
//     many entries it knows to be missing. As origin 2^64-1 it speaks of all that the sender does not
//     know and turned away: it takes nothing of theirs unless beyond is 0, and then introductions
//     before all else. A Checkpoint's sum is over the live entries of the
//     origin when version was its newest.
//   - A Signature is one of Ed25519 (RFC 8032), under key, of "quidnunc checkpoint" and a zero
//     byte, cluster tag 4, origin 8, version 8, digest 32. The digest is SHA-256 over the live
//     entries of the origin when version was its newest, ascending, each as: version 8, stamp 8,
//     ttl 4, lease 4, flags 1, kind 1, rest 1, key length 1, value length 2, key, value; with a
//     lease ttl and its flag are 0. A PublicKey says that key took the place of the former one,
//     whose signature it has of "quidnunc public key" and a zero byte, cluster tag 4, origin 8, key
//     32.
//   - A Delegate is about the run before it in the frame: the receiver acknowledges that under the
//     serial, which is not 0, and passes it on to the members whose origins' identifiers lie from
//     lo to hi, both included, round the end if lo is above hi; with same, in the range of the
//     Delegate before; without either it passes it on to nobody. The news began back versions after
//     the run: its sender was behind, and handed on that too. lazy: the acknowledgement may wait
//     for a frame that leaves anyway, as a Have may. A Covered names at least one serial; covers is
//     1, or 0: the sender can't.
//   - An interval begins skip versions above the end of the one before, the first above 0, and has
//     span + 1 versions; at least one is listed. count is how many live entries the sender holds
//     there, print the sum of mix(version) over them: x ^= x>>30, x *= 0xbf58476d1ce4e5b9, x ^=
//     x>>27, x *= 0x94d049bb133111eb, x ^= x>>31. max is what the sender holds of the origin: with
//     what that was the intervals are compared. An IntervalPull asks for intervals of step entries
//     each.
//   - Audits are intervals too, of the sender's own log: count is of all entries but deletes up to
//     the floor, and print is a sum over them of their contents. With a step of 1 an AuditPull asks
//     for a Part: as a run, of the asker's log below its max, with all that lives there.
//   - A Ranges has at least one print. Each is the sum, over the origins whose identifiers have the
//     same first bits (1 to 64), of what they contribute to the state fingerprint; the first begins
//     at lo, which has only zeros behind those bits, and each of the others at the next identifier
//     after the one before.
//   - Nobody reads a Pad.
//
// Flags of a greeting; unknown ones are carried and ignored:
//
//	1  back  it answers a greeting, and is not greeted in turn
//	2  buried  the life that is greeted was buried here; its own greeting is answered with the generation to exceed
//	4  namesake  who is greeted is said to bear the name of the greeter, or to be it
//
// Flags of a digest, plain or precise; unknown ones are refused:
//
//	1   want runs    send me what I lack
//	2   offer        pull from me what you lack
//	4   final        the last window of the set
//	8   precise end  a precise digest covers everything to the end
//	16  partial      of a plain one: nothing is said of origins that are not listed
//	32  precise prints  one key an origin, 8 bytes that are a print of what the sender holds of it
//
// Statuses, of Probe, ProbeAck and Verdict; of two at one incarnation the higher wins:
//
//	0  alive
//	1  suspect
//	2  closed   suspected, and its host says that nobody listens at its port
//	3  dead
//	4  left
//	5  buried
//
// Stances of a Vote:
//
//	1  against  a whole round of probes was missed
//	2  for      the last round was answered
//	3  abstain  the voter does not watch the subject
//	4  closed   as against, and the subject's host says that its port is closed
//
// Kinds of feedback:
//
//	1  needed   the news was applied
//	2  known    it was known; the counter is the answerer's
//	3  gap      it could not be applied
//	4  refused  the answerer's connection limit was reached
//	5  shown    no answer: the sender's own counter for its window
//
// Kinds of a Repair token:
//
//	1  open     to the successor: show me what you hold from at on
//	2  pass     to the successor: you are level, the walk is yours
//	3  confirm  to the predecessor: I have it
//	4  report   to the starter: the walk has come this far
//
// Reasons of a refusal, and what its detail is; unknown ones are carried:
//
//	1   version  none of the greeting's format versions is spoken here
//	2   cluster  another cluster
//	3   key      sealed under a key that is not held here, or not sealed
//	4   mode     other settings than the cluster's: their fingerprint
//	5   full     no seat is free: how many there are
//	6   name     a live boot holds the name: its seniority
//	7   buried   that life was buried: the generation to exceed
//	8   clock    a generation beyond belief: the highest that is believed
//	9   banned   an operator forbids it
//	10  busy     try again: in so many milliseconds
//
// # Entry
//
// A run's entries ascend in version from from, exclusively; gap is the version less the one before,
// less 1:
//
//	entry  uvarint gap<<2|r<<1|f, if f: flags 1, if flags&8: kind 1, if flags&32: rest 1, if flags&2: uvarint ttl,
//	       if flags&2: uvarint age, if flags&16: uvarint lease, if flags&4: uvarint stamp, if r: uvarint number,
//	       unless r: key, unless flags&1: bytes
//
// A key is one byte s | o<<4, if s = 15 a byte that adds to it, the same for o, and o bytes: the
// first s bytes of the key before it (of the first: none) and these. s is as large as it can be,
// and a key is not empty. So a plain entry costs 3 bytes, 4 or 5 with long parts of keys, beside
// what its key has of its own and its value:
//
//	addr  = x   01 | 40 | 61 64 64 72 | 03 | 78    version from+1, shared 0, own 4, length 1
//	addr6 = y   01 | 14 |          36 | 03 | 79    the next version, shared 4, own 1
//
// ttl, age, lease and number have 32 bits, ttl and age are milliseconds. A stamp is written as the
// difference from the last one in the run (of the first: 0), shifted left by one, and inverted if
// it is negative. rest is how many versions of the same batch follow, 1 to 31: all of a batch name
// the same end, and no run ends before it. Those that were written again meanwhile are left out, as
// others are.
//
// Entry flags. Flags that are written are not 0, and unknown ones are refused. The last is not
// among them: it is r:
//
//	1    tombstone  the key is deleted
//	2    TTL        ttl and age
//	4    stamp
//	8    kinded     kind says what the value is; not with tombstone
//	16   leased     the key lives by the lease of that number; with TTL beside it, a hint of what that lease has left
//	32   more       rest: the batch goes on; whoever shows a part of it shows all, no sender cuts within it
//	128  by ref     number in place of the key: so many versions below stands an older entry of it
//
// Kinds of entries. Kind 0, a user's value, is not written. A kind that is not known here is kept
// and relayed as its bytes, and hidden from readers:
//
//	1  lease          its key is "\x00lease/" and the uvarint of its number, it has a TTL and no value
//	2  announce       nobody writes it
//	3  content        a reference to a content: uvarint length, SHA-256 of the plain value 32
//	4  shared         a key that many write: uvarint epoch, stamp 8, author 8, generation 8, then the value
//	5  shared delete  its delete, a live entry: the same without a value
//	6  by ref         no entry is of it: who says to know it takes entries by reference
//
// A tombstone of a lease's key ends every key that names the lease; a tombstone of a shared key
// withdraws what this origin wrote, and competes with nobody. A precise run has no batches and no
// references: 32 and 128 are not supported there, nor is 128 in a part.
//
// References stand in what an author sends unasked of its own log, to whoever knows them. One names
// a version, and with it one write for ever: an entry that is no delete, up to where the reader is
// believed to hold the log as it was. A reader takes it to an entry that lives there, if the author
// itself brought that or it was there when a Checkpoint of the author's was found equal: what others
// brought may be forged. Otherwise it takes the run up to there, a batch whole or not at all, and
// asks for the rest; the answer to a Pull or a digest has keys.
//
// # Refusal
//
// Who can't open a greeting, or does not speak its version, may answer with a datagram of 32 bytes
// that has this form in every version: 'Q' 1, 0 1, reason 1, min 1, max 1, nonce 3, cluster tag 4,
// sender 8, detail 8, CRC32C 4. It gives back the greeting's nonce, answers nothing that is
// shorter, is never answered, and is advice: anybody can make one. A frame of every version has its
// version in its second byte, not 0, and its nonce in bytes 5 to 7.
//
// # Reserved
//
// Numbers that are taken by what is decided and not built. What they will say:
//
//	30  Message       number 8, payload                                to one member
//	31  MessageAck    number 8
//	32  Heartbeat     echo 4, ago 4, nonce 4, incarnation 4, health 1  the last one heard from there, and microseconds since
//
// # Limits
//
//	FrameBytesDefault     1400
//	FrameBytesFloor       1200
//	FrameBytesMax         1472
//	HeaderBytesFixed      20
//	NameBytesMax          128
//	KeyBytesMax           255
//	EntryBytesMax         768
//	BatchMax              32
//	BatchBytesMax         816
//	EventPayloadMax       768
//	TopicBytesMax         128
//	KeyNoticeMax          8
//	HealthMax             8
//	SyncHintMax           3
//	HopsMax               2097152
//	VersionMax            72057594037927935
//	EventTimeMax          4611686018427387903
//	RefusalDatagramBytes  32
//
// The relations between them that the compiler checks are in limits.go; the entry limit is a
// constant of the protocol.
//
// # Laws
//
// AppendX appends to the caller's bytes: a whole record or, where a body is a list, one item of it.
// ParseX checks everything once, in one pass, and gives views of the frame: afterwards getters and
// iterators can't fail. Views die with the frame. Nothing here allocates or panics on any input
// from the network; writers panic when their caller breaks a stated rule. Parsing hostile bytes
// costs no more than parsing good ones. Errors are sentinels without detail, so that a caller
// counts them by comparing.
//
// What this package does not do: it does not know who may say what, whether an identifier belongs
// to a name, or whether a cluster tag is ours. Sealing is package codec/seal.
package codec
