// Package link knows what the path to each peer did: which frames arrived in
// both directions, which were lost, how long a round trip and an acknowledgement
// take, and from that when to send again.
//
// # Frames
//
// A [Path] numbers the frames to one peer and records the last 64 that came from
// it. Every frame acknowledges: the highest number that was seen, and a bit for
// each of the 64 up to it. Nothing is sent again under its number: what was lost is
// encoded anew, from the state as it is then.
//
// # Loss
//
// A frame is lost once one that left reorderMax frames later was seen (the packet
// threshold of RFC 9002 §6.1.1, which is three there). Where the path was seen to change
// the order of frames, time decides instead (RFC 8985, RACK): a missing frame is lost
// when the acknowledgements that miss it span four deviations of the round trip. Only
// an acknowledgement that misses a frame makes a path lossy; one that is late does not.
// What a lossy path carries asks for its acknowledgement at once and is sent again
// within milliseconds. [Paths] smooths the share of lost frames over all peers, since
// most paths of a node have its network card in common: above lossyShare all paths
// count as lossy, but not where it is the node's own loop that is late.
//
// # Time
//
// Two times are kept of each path. RTT is the round trip of frames that ask for an answer at once:
// the first to a peer, then one a second while there is news, at most samplesMost a second of all
// peers. An acknowledgement names its frame,
// so what is sent again makes no sample ambiguous. The time until a frame is acknowledged that does
// not ask includes what the peer waits for company, and on an overloaded machine what frames wait
// in queues: late is not lost. One frame of each kind is timed at a time. Where the own loop is late
// acknowledgements wait for half of the time after which they would be missed.
//
// # Length
//
// A path is sent frames that every path takes (codec.FrameBytesFloor) until a padded
// one, sent when longer ones would be of use, was acknowledged (RFC 8899, with two
// sizes: what lies between is worth little). Long frames end at once when the host or a
// router refuses one, and when several in a row were lost that a short one outlived:
// then a probe says whether it was the length. A path found narrow is probed again
// after half a minute, later after ten. The loss of a probe says nothing of the path's
// load.
//
// # Limits
//
// Numbers are 32 bits and wrap; comparisons are of differences, so that 2^31 frames may be between
// two. A frame that is more than 64 behind the highest one is not recorded, unless resumeAfter such
// come in a row, each after the one before: then that is where the peer is. So a number that
// somebody made up, in clear or with the cluster's key, hides four frames of its peer, and not all
// that come.
//
// # Rest
//
// The numbers of a path are never forgotten, and so no frame counts as new twice. How fast it is, what
// it loses and which length it takes is kept of the paths that frames went on last (package active);
// one that was used by nobody for a minute, or that made room for others, begins with that as a new one
// does: its first frame asks for an answer, and long ones wait for a probe. What was sent before and
// not acknowledged is judged by the first acknowledgement.
package link
