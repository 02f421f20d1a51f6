// Package flow decides how much may be sent: how fast a node may publish what
// it writes, and how many bytes may leave for each peer. It is arithmetic on
// integers; the caller says what happened and when.
//
// # The rate of an origin
//
// [Source] is the flow control of the Scuttlebutt paper (van Renesse, Dumitriu,
// Gough, Thomas, LADIS 2008, §4). A node has a desired rate ρ and an allowed
// rate τ and tells both in its exchanges. Two nodes that meet divide the sum of
// their allowed rates:
//
//	ρp + ρq ≤ τp + τq    each keeps its ρ and half of what is left
//	otherwise            the sum is divided max-min fair
//
// and each adapts its own from what it saw: φ1 exchanges in a row in which the
// sent or the received set is larger than the limit, τ ← α·τ; φ2 in a row in
// which both are smaller, τ ← min(τ+β, limit). Equality is neither.
//
// The division crosses a network that loses, repeats and reorders, so that the
// values themselves can't be exchanged. Each pair keeps a [Pair]: what this
// side gave since the two met, and what it took. The side that has too much acts: it
// lowers its τ and raises given. The other side takes the difference between
// the given it is told and its own taken. Both sums only grow, so a frame that
// is lost, late or doubled changes nothing that a later frame does not settle,
// and the sum over all nodes is exact as soon as the ledgers agree. A path may hold frames back
// behind so many later ones that they look new: a peer has begun its sum again, since it forgot
// us, when it tells less than it gave for ten seconds, and nothing is taken twice. A ledger counts
// if its frame acknowledges one of our present life: others are about a life before, which took it.
//
// What a peer says may be a lie. Rates are clamped to the limit; one partner is
// given something at most once in a span that grows with the number of peers;
// a node with unmet wants never gives what would bring it below the median of
// the rates it was told; and only exchanges that the node started, with a partner
// that it chose, count as overflowing. So a liar moves the rates of others by
// no more than its share in their meetings. What it writes itself beyond its
// rate meets the budgets of its peers and the fair order of their frames.
//
// Beyond the paper: a source that has not met congestion is free. It is not
// held back and takes no part in the division, so that idle nodes have no
// unused rate that they could hand to a node that was just cut. The first
// overflow bounds it, starting from what it really publishes.
//
// # The budget of a peer
//
// [Budget] is AIMD for the frames to one peer: a rate in bytes a second and a
// token bucket, asked before a frame is encoded. While there is much to send,
// one frame a round asks for an acknowledgement at once; when that comes, the
// round is judged: frames missing in the acknowledgement bitmap, a congestion
// mark, or a round trip that grew. A silent peer gets one frame a timeout.
// The receiver's credit, a rate, is an upper bound, and so is what is of use: where frames get lost now
// and then, what follows one is sent anew, so no more leaves in a round trip than about twice what comes
// between two losses. State is constant for each
// peer and there is no queue: what was held back is encoded later, as it is then.
//
// [Receiver] is the other end: it measures what is taken from senders that have
// proved who they are, and sets one credit for all senders so
// that the sum of what they send meets the limit; light senders stay below it and do
// not notice (max-min fair without state for each sender). When the
// kernel's queue is more than half full, or drops, it marks, and sheds repair and bulk
// before decoding; it asks for an eighth less than it took just then, and for so much less still as lets the queue
// drain. That is eased after a quarter of a second the first time, since it may have been a burst, and
// after up to two seconds where it comes back.
//
// # A node's control
//
// [Control] puts these together for one node, and keeps a [Peer] of each other. The
// host asks Shed before it decodes a datagram, Hold before it encodes a frame, and
// Publish for each own write; it tells of what was Sent, Acked and Met. What a
// Control holds back is bits of the host's own, given back when Release is called.
// Nothing is allocated after Init.
//
// # Classes
//
// probe > membership > urgent > normal > repair > bulk. Probes always go. Lower
// classes leave a reserve in the bucket for the higher ones, and user data
// leaves every eighth frame to repair, so that neither starves the other.
//
// # What it can't tell at once
//
// Where more than one frame of eight is lost, a budget can't tell a bad radio from a link that many
// senders share, and takes it for the link first: the rate to each peer falls as far as its share of
// that. What is lost even there is believed to be the path's own (innate.go), and bounds nobody
// after some seconds, up to a loss of about a third. A link so thin that those shares are too much for it is
// taken for a radio now and then, for some rounds, each time after twice as many frames.
package flow
