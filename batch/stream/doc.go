// Package stream implements batch.Streams over TCP: what members tell each other
// that is too large for datagrams, sealed, compressed, and with credit.
//
//	eng, err := engine.Start(ctx, engine.Config{…, Streams: stream.New(stream.Options{})})
//
// An embedder who does not import it compiles neither gnet nor a compressor.
//
// # Threads
//
// gnet (github.com/panjf2000/gnet/v2) runs one event loop, which accepts, and
// serves what this side has dialled too. All ciphers, hashes and compressors run
// there. The reactor and the loop have no lock in common: orders go one way and
// events the other by queues of package ring, message heads lie in ring slabs,
// and memory of bodies comes home by a queue. A connection has no goroutine and
// no buffer while nothing is on its way.
//
// Memory of bodies is kept for later ones, 32 MiB at most; each second half of what
// nobody took in the last goes to the collector. A chunk of a body that several ask for
// at a time is compressed once.
//
// # The wire
//
// Numbers are little-endian. The opener says 76 bytes, the acceptor 20:
//
//	magic "qns" ‖ version 1 ‖ key id 1 ‖ zero 3 ‖ cluster tag 4 ‖ opener's salt 16 ‖ acceptor's salt 16 ‖ nonce 16 ‖ mark 16
//	magic "qns" ‖ version 1 ‖ nonce 16
//
// The mark is a keyed hash of what is before it. The transcript of both gives a
// cipher to each direction (codec/seal.StreamKeys). Then records:
//
//	type 1 ‖ length 3 ‖ payload of that length, sealed
//
//	1 open    window 4: the sealer has the key, and sends so much of bodies without credit; the first record of each direction
//	2 busy    empty: no more streams here; instead of open
//	3 head    tag 4 ‖ answer 1 ‖ body bytes 4 ‖ want 4 ‖ the message's head
//	4 raw     up to 64 KiB of the body of the last head
//	5 s2      the same, an s2 block
//	6 zstd    the same, a zstd frame
//	7 credit  bytes 4: so much more of bodies was taken
//	8 end     empty: nothing comes after it
//
// The nonce is the number of the record in its direction, and does not travel:
// a record that is lost, repeated, moved or from another stream does not open,
// and ends the stream. The salts name one life of each member: a hello is no use
// at another member, in another life, or at its author (it names itself there).
// A connection that ends without "end" was cut, and gives no part of a body.
//
// # Credit
//
// An ask's Want is the memory that its answer may take. A sender has at most
// Options.WindowBytes on its way that the other side has not taken, so that is
// also the most that gnet buffers for a peer that does not read (gnet itself
// never refuses a write). The receiver handles a record where it arrives, so
// gnet keeps at most part of one, and heads for which the reactor has left no
// slot. A stream that waits holds back nobody else: there is no other state that
// two streams have in common.
//
// # The door
//
// Before the first record opens a stream gets 2 s, 1 KiB, and one of 64 places,
// of which an address has 4 until a hello with a right mark came: the ticket that
// only a holder of the key can make, for the salt of this life, which a member tells
// the others by datagram. The mark costs one hash; no cipher is set up without it. A
// right hello moves the stream from its address's places, for many members may share
// an address, to one of 64 more, of which a salt has 4: no record of those who repeat
// recorded hellos opens. The opener's kernel keeps the connection back until the hello goes
// with it, where it can, and the acceptor looks for it when the connection comes: who has a
// right one never stands in the crowd. Where all places of a kind are taken the stream that has one for
// longest gives way, at first one of the same address, behind right hellos one of the salts that
// have most: a member needs its place for one round trip, so nobody is kept out by those who hold
// theirs.
// Behind the door a member has 4 places and all have Options.StreamsIn: an idle
// stream gives its place to a new one.
//
// # Rotation
//
// A stream whose key was removed ends at once. Whoever opened a stream ends it
// when its key is not the primary any more and nothing is open on it; the next
// one has the new key.
//
// # What compresses what
//
// Chunks of 64 KiB, each by itself: s2 by default, because it costs less than it
// saves down to about half a gigabit a second; zstd at its fastest where a body
// is said to be Dense. On runs of service discovery, metrics and flags zstd takes
// a quarter to two fifths less room than s2 (7.8, 2.8 and 5.4 times less than the
// runs; with keys by number 3.5, 1.7 and 2.4) for about three times the work:
// TestDensity prints both and holds the ratios. A chunk that does not shrink by a
// twentieth goes as it is. A decompressor is given the place that the chunk's
// plain bytes have, and refuses a payload that claims another size before it
// looks at it.
//
// # Limits of gnet
//
// Its logger is global: the last instance's Options.Logger gets all lines. The
// environment variable GNET_LOGGING_LEVEL must be a number, or any program that
// links gnet panics at its start. Two goroutines of gnet's pool live as long as the process.
// What its acceptor takes in while its loop ends stays open as long: on Linux Close ends the
// acceptor first, elsewhere it can happen.
// Where its acceptor can't accept, for want of descriptors, all that it runs ends: the instance says so
// to its Logger, and begins again on the same port, every half second until it can.
// On Windows gnet is for development, says its page.
package stream
