package batch

import (
	"crypto/cipher"
	"net/netip"
)

// Bounds that both ends of a stream hold each other to.
const (
	StreamHeadMax  = 4 << 10  // bytes of a message's head
	StreamBodyMax  = 16 << 20 // bytes of a message's body
	StreamAsksMax  = 16       // asks of one side that are not answered yet
	StreamSaltSize = 16       // bytes of a boot salt
	StreamSumSize  = 32       // bytes of SHA-256
)

// Streams carries between two members what is too large for datagrams: asks,
// and answers of up to StreamBodyMax bytes, in order, sealed like datagrams.
//
// One goroutine, the reactor, makes all calls but Stats. None of them waits,
// none takes longer than a few copies of at most StreamHeadMax bytes: sockets,
// hashes, ciphers and compressors are others' work. What they have done comes
// out of Next, and StreamSetup.Wake is called when there is something new.
//
// # Credit
//
// Nothing large comes unasked. An ask says how many bytes of answer it takes
// (Want) and may say their SHA-256 (Sum); that is the credit of the other side,
// and the memory that may be taken on this one. An ask carries a head alone. A
// side that asks more than StreamAsksMax at a time, or answers more than was
// wanted, ends its stream.
//
// # Life
//
// Open, then StreamUp or StreamDown; Ask and Answer while it is up; Finish, or
// whatever else ends it, then StreamDown with the cause, last of all. A message
// is whole or it is not there: a stream that breaks in a body gives no part of
// it. An ask whose answer did not come before StreamDown gets none.
//
// The memory of an event is lent until Release.
type Streams interface {
	// Start binds a TCP port and begins to accept. It is the one call that may
	// wait: for the system's bind. Its errors name the address and the cause.
	Start(s StreamSetup) error

	// Port is what members have to be told. It need not be the datagrams'.
	Port() uint16

	// Open begins a stream to a member. ErrStreamsFull: too many are open.
	Open(to StreamPeer) (StreamID, error)

	// Send queues a message on a stream that is up and has read m.Head when it returns; m.Body is
	// borrowed until StreamSent or StreamDown. ErrStreamFull: so many messages wait already, or so
	// many asks are open, that it must be tried again after an event of the stream. ErrClosed: the
	// stream is not up (any more).
	Send(id StreamID, m *StreamMessage) error

	// Finish ends a stream behind what was sent on it.
	Finish(id StreamID)

	// Next takes the oldest event; false when there is none.
	Next(ev *StreamEvent) bool

	// Ready tells whether Next has something, for the price of a load.
	Ready() bool

	// Release gives back what an event lent. A body that is to be kept is taken
	// out before (ev.Body = nil), and handed to Recycle or left to the collector.
	Release(ev *StreamEvent)

	// Recycle gives the memory of a body for later ones. Nobody may read it then.
	Recycle(body []byte)

	// SetKeys replaces the keys. Streams under a key that is not among them end
	// with StreamRotated at once; streams under one that is not the primary any
	// more end so as soon as nothing is open on them.
	SetKeys(k StreamKeys)

	// Stats overwrites s. For any goroutine.
	Stats(s *StreamStats)

	// Close ends all streams and gives the port back. No event comes after it.
	Close() error
}

// StreamID names a stream of one Streams while it lives, and is not used again
// within 2^32 of them. 0 is no stream.
type StreamID uint32

// StreamPeer is where a member takes streams: its address with the port that it
// tells, and its boot salt, which tells one life of a member from all others.
type StreamPeer struct {
	Addr netip.AddrPort
	Salt [StreamSaltSize]byte
}

// StreamSetup is what a member is, as its streams need it.
type StreamSetup struct {
	Near    netip.AddrPort       // where its datagrams arrive: same address, and port if that is free
	Cluster uint32               // the cluster's tag
	Salt    [StreamSaltSize]byte // 16 random bytes of this start
	Keys    StreamKeys           // nil: streams are in clear, with a checksum
	Wake    func()               // wakes the reactor; any goroutine calls it
}

// StreamKeys is a set of cluster keys that does not change any more. Its methods
// are for any goroutine. Package codec/seal has one.
type StreamKeys interface {
	// Primary is the id of the key that new streams are sealed with.
	Primary() uint8
	// Mark is what nobody without the key of this id can compute for a hello. It
	// costs about a microsecond; false: there is no such key.
	Mark(id uint8, hello []byte) (mark [16]byte, ok bool)
	// Ciphers are the ciphers of the two directions of the one stream that the
	// transcript is of: what the opener seals with, and what the other does.
	Ciphers(id uint8, transcript []byte) (opener, acceptor cipher.AEAD, err error)
}

// StreamMessage is an ask or an answer.
type StreamMessage struct {
	Answer bool   // to the ask of the other side with this tag
	Tag    uint32 // the asker's choice; no two open asks of a stream have the same
	Head   []byte // at most StreamHeadMax
	Body   []byte // of an answer: at most what was wanted
	Dense  bool   // the body is worth more work at compressing it: a snapshot
	Want   int    // of an ask: the most bytes of body that it takes
	// Sum, of an ask: the SHA-256 that the body must have, unless the answer has
	// no body. One that differs is dropped, counted, and told as StreamForged. Of an
	// answer: that of its body, if it is known; a body that goes to many is then
	// compressed once.
	Sum *[StreamSumSize]byte
}

// StreamKind is what a StreamEvent tells.
type StreamKind uint8

// The kinds.
const (
	StreamUp       StreamKind = iota + 1 // Peer, Opened
	StreamAsked                          // Tag, Head, Want
	StreamAnswered                       // Tag, Head, Body
	StreamForged                         // Tag, Head: the body did not have the Sum
	StreamSent                           // Tag: Body of the answer is not borrowed any more
	StreamDown                           // Cause
)

// StreamEvent is one thing that happened to a stream.
type StreamEvent struct {
	Kind   StreamKind
	Stream StreamID
	Opened bool // by this side
	Cause  StreamCause
	Tag    uint32
	Want   int
	Peer   StreamPeer // StreamUp: who is at the other end; of an accepted stream the port means nothing
	Head   []byte     // lent until Release
	Body   []byte     // lent until Release
	Lent   uint32     // what Release has to know
}

// StreamCause is why a stream ended. It is an error that is made without
// allocating and compared with ==.
type StreamCause uint8

// The causes.
const (
	StreamEnded       StreamCause = iota // both sides said that they are through
	StreamUnreachable                    // nobody answers at the address, or refuses
	StreamLate                           // no first record in time
	StreamStranger                       // another cluster, version, member or life of it, or no key in common
	StreamAltered                        // a record did not open: wrong key, replayed, out of order, or altered
	StreamTruncated                      // the connection ended without its end being said
	StreamBroken                         // what was opened breaks the rules of asks and credit
	StreamStalled                        // nothing moved for too long while something was due
	StreamBusy                           // the other side has too many streams
	StreamRotated                        // its key is not used any more
	StreamHere                           // this side closed
	StreamCauses                         // how many there are
)

var streamCauses = [StreamCauses]string{
	"ended", "unreachable", "late", "stranger", "altered", "truncated", "broken", "stalled", "busy", "rotated", "here",
}

// String is the cause as a counter's label.
func (c StreamCause) String() string {
	if c < StreamCauses {
		return streamCauses[c]
	}
	return "invalid"
}

// Error makes every cause an error.
func (c StreamCause) Error() string { return "batch: stream ended: " + c.String() }

// streamFull is a sentinel that needs no memory.
type streamFull string

func (e streamFull) Error() string { return string(e) }

// The errors of Open and Send that say to try again later.
const (
	ErrStreamsFull = streamFull("batch: too many streams are open")
	ErrStreamFull  = streamFull("batch: too much is on its way on this stream")
)

// StreamStats are counters since Start, and three gauges.
type StreamStats struct {
	Up, HalfOpen  int // streams now; half-open are those that were accepted and are not up yet
	BufferedMax   int // the most bytes that were ever encoded and not yet taken by a socket, of one stream
	Opened        uint64
	Accepted      uint64
	SentBytes     uint64 // of bodies, before compression
	ReceivedBytes uint64 // of bodies, after decompression
	WireSent      uint64 // bytes written to sockets
	WireReceived  uint64
	Forged        uint64 // bodies without the sum that was asked for
	Refused       uint64 // connections that were closed at the door for want of room
	Ended         [StreamCauses]uint64
}
