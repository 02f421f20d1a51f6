// Package checkpoint finds what somebody else wrote under an owner's name. Whoever holds
// the cluster's key can send runs of any origin: versions that its owner has not written
// yet, and other values under those that it has. Fingerprints cover versions alone, so
// such a replica looks equal to all others.
//
// # The protocol
//
// An owner says now and then what its log sums up to, contents too (state.Store.Sum), at
// the newest version that it has written. Whoever holds the log up to just there must have
// the same sum: a replica that is level there, clean and not full. Elsewhere two replicas
// may legally differ, and do not compare.
//
//	owner                              replica
//	Run to its newest, Checkpoint  ->  equal: all up to there is what the owner wrote
//	                               <-  "what do you hold?" where none came for a while
//	Have, Checkpoint               ->  differs: interval.Mender.Doubt goes through the log
//
// A checkpoint rides with what brings a peer level and in each answer to somebody who
// asks, so it costs no frame of its own. A replica asks for one when a log rests that it
// could not compare, or moves on for long without being compared, a few times.
//
// What differs is made what the owner holds. Who brought it first, if that was not the
// owner itself, is told: it may be the liar, or it believed one.
//
// # Limits
//
// A log is compared within half a second of its last change where frames arrive, and as
// often while it changes. At most 160 authors are asked in a second. An owner that holds
// writes back (flow control) says nothing: what it replaces is not in its log any more.
// Sums are hashes without a key: whoever knows what an owner will write can make up an
// entry with the same one, and frames in the owner's own name, from a holder of the
// cluster's key, are taken for its own. In a precise cluster there is no prefix, so nothing
// is compared. An owner that says wrong sums makes others go through its own log, at
// growing intervals up to a minute. Who brought the last 256 runs of others is known.
//
// Memory: 60 bytes an origin, 16 a peer, 8 KiB beside. One caller at a time.
package checkpoint
