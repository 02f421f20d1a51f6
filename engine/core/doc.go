// Package core composes the protocols of one node into a deterministic state machine. It has no
// goroutine, clock, socket or source of randomness of its own: a shell tells it the time and hands
// it datagrams, and pulls from it the frames that are due. The engine runs it over real sockets,
// the simulator in virtual time, and fuzzers feed it garbage; what is tested is what runs.
//
// # Laws
//
// Each has a test named after it. What follows from them, and what does not, is in guarantees.md.
//
//  1. One caller at a time.
//  2. now never goes back.
//  3. The same configuration, seed and calls give the same bytes.
//  4. After Init nothing is allocated in steady state: memory grows only when a
//     member or a key is new, and within the limits.
//  5. No call blocks, and no loop is unbounded.
//  6. No datagram, however hostile, makes it panic or allocate.
//  7. A shell drains what it can after each burst of calls; what its socket
//     refused stays encoded with the shell and goes first.
//
// Output is pulled. A full socket means "stop asking", so nothing queues up
// here: what Transmit encodes is always the newest state. The one queue is for
// answers to addresses that are not proven; it is short, and drops.
//
// # How news travels
//
//	write    -> mail to every reachable peer, or over delegates, each with a range
//	            of the others; mail.Choice says how many hear it from its author
//	            or rumor to a few                                  (spread.go)
//	a hole   -> pull from whoever sent beyond it                   (engine/gaps)
//	interval -> compare fingerprints with one peer, then digests,
//	            then runs in the directions of the mode            (exchange.go)
//	            or, in a precise cluster, entries key by key     (scattered.go)
//	a floor  -> who slept below it compares what lives in
//	            intervals of the log, and drops the rest         (engine/interval)
//
// A peer's cursor says which of our writes it was sent, its acknowledgement
// which it holds. Mail starts at the cursor; a missed acknowledgement moves the cursor back. So
// memory for each peer is constant, and whatever is lost is sent again in its newest form.
//
// # What may leave
//
// Before a frame to a peer is encoded its budget is asked, class by class; what may not go is due
// again when the peer's timer fires (flow.go, transmit.go). Budgets follow losses, delays and the
// peer's credit, so a peer that stops reading costs a frame a timeout. Own writes are published at
// the own rate, which is unbounded until exchanges overflow: what is above it stays in the store,
// above the max that peers are told of, and goes out in its newest form. Config.Flow turns both
// off, or only their effect.
//
// # The way of a datagram, and of a write
//
// These packages are handed the bytes of a datagram, its header or a record of it, or
// what a write says; codec and engine/state, which each may ask, are left out, and so
// are the leaves that are only told that something came.
//
//	in: batch/linux engine engine/core engine/protect engine/link engine/flow engine/reconcile
//	out: engine engine/core engine/flow engine/mail engine/reconcile engine/protect batch/linux
//
//	batch/linux -> engine -> core.Receive -> protect      opened, or refused
//	                              |-> link, flow          what the header says of the path
//	                              '-> tables.go           each record to its handler:
//	                                    Run -> reconcile  applied, and the entry is there
//
//	engine.Set -> core.Write -> flow                      may the cluster be told?
//	                    '-> mail, or rumor                due at which peers
//	engine.turn -> core.Transmit -> flow                  what may go
//	                    |-> tables.go                     what is due, in order:
//	                    |     mail -> reconcile           a run from the peer's cursor
//	                    '-> protect                       sealed
//	     '-> batch/linux
//
// # How to add a protocol
//
// A protocol is a package under engine/ and its rows in the tables of tables.go: one
// for each record that it takes, one for what it sends, one for each timer. User
// events are the smallest. Their package is engine/events: what was seen, what is
// kept, and events.Peer, which each peer has one of. Their rows are
//
//	handlers:  codec.TypeEvent    (*events.Cast).Receive
//	composers: dueCast            (*events.Cast).Append
//
// and broadcast.go hands it the peers and whom news goes to: its Host. The body of the
// record is in codec, and the package has a row in tools/layers.
//
// # The life of a peer
//
// It is drawn and changed in engine/roster. Only an open peer may be sent everything, and only one
// that is open or leaving is sent what it is owed; the others get greetings.
//
// # Who is who
//
// A name and a generation make an origin. Addresses are believed when they
// answer (hello.go); the highest generation of a name wins; an owner that meets more of its own
// generation than it wrote, or an earlier life of itself, renews. A name that a member in service
// has is nobody else's (names.Holder); of two in service the senior takes the highest generation,
// and the junior stops writing for as long as the senior answers (names.Self). The address or the
// life of a peer that answers where it is known is not given to somebody else (yields). Whoever was
// forgotten is kept out for one age, told so, and takes another life at once (names).
//
// # Glossary
//
//	origin      a name and a generation; it alone writes its keys
//	peer        a member as this node sees it, by handle; 0 is nobody
//	version     number of a write of an origin; max is the prefix that is held
//	level       a replica that holds all that its author is known to have written
//	batch       versions that are taken together or not at all
//	lease       an entry that keys name, and with which they end
//	floor       deletes up to this version were collected
//	run         the entries of one origin in (from, to]
//	gap         what is missing below a run that came
//	cursor      the own version that a peer was sent; acked is what it confirmed
//	flush       the moment at which news becomes due
//	due         bits of what the next frames to a peer carry
//	exchange    a periodic comparison with one peer
//	fingerprint a sum over all that is held: equal ones hold the same
//	candidate   a peer that others named and that has not answered
//	hearsay     how long ago somebody met a candidate; what is too old is dropped
//	proven      a peer that has answered from its address
//	rival       a process that bears our name
//	grave       what keeps an origin out that was replaced or buried
//	budget      bytes that may leave for a peer now; held is what it keeps back
package core
