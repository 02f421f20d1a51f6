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
// A checkpoint rides with what brings a peer level, or with an acknowledgement where delegates bring the
// news, and in each answer to somebody who asks, so it costs no frame of its own. A replica asks for one when a log rests that it
// could not compare, or moves on for long without being compared, a few times.
//
// What differs is made what the owner holds. Who brought it first, if that was not the
// owner itself, is told: it may be the liar, or it believed one.
//
// A floor that its owner never had is in no sum. The owner, told by others that they hold it, takes
// a new life, with the floor that it has. Floors of one boot only rise, so a lower one shows that
// the former was made up: who brought it is told.
//
// # Signatures
//
// Whoever holds the cluster's key can say sums in an owner's own name, too, and the sum is no
// cryptographic hash. So owners may sign their logs (package notary), and others hold theirs
// against that.
//
//	owner                                replica
//	                                 <-  "what do you hold?" of a log that rests
//	Have, Checkpoint, Signature      ->  verified: all up to there is what the owner wrote
//	                                     not the owner's: told, and asked again
//	                                     of another log: interval.Mender.Doubt, whole if the sums are equal
//
// An owner signs a version once, when somebody asks who lacks it. Nothing is signed, hashed or
// verified here: [Checkpoints.NextJob] hands that to the shell, one at a time, with a pause
// after each, so that all of it takes less than a hundredth of a core; of one owner ten
// signatures are verified in a second, however many come. A signature counts only if the log
// is, afterwards, what it was before. Who never signed, as an older version, is asked three
// times, and then at most once a minute.
//
// # Limits
//
// A log is compared within half a second of its last change where frames arrive in their order; what
// another frame has overtaken counts as lost, and is asked for again. While it changes
// it is so every half second if it is slow (8 versions in that time) or each 512 versions if it is
// fast, but for the rest every 4 seconds: a sum costs a hash for each entry, and what is
// overwritten before the next one costs none. Questions have a budget: 16 at once and 20 a second, or,
// where more logs than 80 wait, a quarter of them a second, up to 160. So what changes is compared within
// 5 seconds where 640 authors write, and later where more do, or the loop is late. An owner that holds
// writes back (flow control) says nothing: what it replaces is not in its log any more.
// Sums are hashes without a key: whoever knows what an owner will write can make up an entry with
// the same one, and frames in the owner's own name, from a holder of the cluster's key, are taken
// for its own: where nothing is signed. A log that never rests for as long as a question and its
// answer take is not held against signatures. An owner that says wrong sums makes others go through
// its own log, at growing intervals up to a minute. Who brought the last 256 runs of others is
// known.
//
// In a precise cluster logs have holes, so sums are compared only where the fingerprint of
// the owner's frame says that all is the same, which is seldom while many write; signatures
// need no such thing. A version that somebody took for another key is its owner's again with
// the next exchange with the owner, whose entries are right (package precise).
//
// Memory: 60 bytes an origin and 48 where signatures are verified, 40 a peer, 14 KiB beside.
// One caller at a time.
package checkpoint
