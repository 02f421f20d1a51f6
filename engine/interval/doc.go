// Package interval compares parts of logs. It mends a replica that slept below a floor, which may
// hold keys whose deletes were collected meanwhile, and audits the others: whether they hold what
// their owners do, byte by byte.
//
// # The protocol
//
// The dirty side asks, the other one answers and keeps nothing of it. Both are level, and the
// answer brings the asker to what the answerer holds first, so what an interval of versions lacks
// there was deleted (state.Mend has the argument).
//
//	asker                             answerer
//	IntervalPull (0, floor], 512  ->
//	                              <-  Run, to be level; Intervals of 512 entries: count and print of each
//	  equal: done with it. One or two more here than there: the print tells which.
//	  Else it is asked again, so finely that an interval lacks less than one entry:
//	IntervalPull (a, b], 40 …     ->
//	                              <-  Intervals of 40 entries …
//
// What is left to compare is a list of spans, each of which shrinks with every answer, so it ends:
// at intervals of one entry all is told. Answers may come twice, late or in any order: they are
// held against the list and against what is here now. With 1 % of the keys deleted at random it
// takes three round trips, and some forty bytes a deleted key; where nothing was deleted 12 bytes
// for 512 keys.
//
// The owner is asked, and whenever an answer does not come in time another member, one after the
// other: a path may be cut one way, and the owner be told alive by everybody else. Who is dirty or
// below the floor does not answer. An answer says how far the log is known to go, and is believed
// where the asker is level that far; where the owner is gone, and nobody left holds all that it was
// heard to have written, it is taken as it is after a minute (lateAfter): else what the owner deleted
// would be shown for ever. An answer of somebody who was not asked is ignored. Somebody who lies
// can make a dirty replica drop keys of an origin up to its floor, as a holder of the cluster's key
// can by writing under another name.
//
// # The audit
//
// Fingerprints cover versions, not contents. So a value that changed in memory, or an entry that a
// bug lost, would stay so for ever. Each replica goes through the logs of the others part by part,
// each from a place drawn by chance, and holds sums over contents against those of the owner alone,
// once a period:
//
//	replica                           owner
//	AuditPull (a, max], 64        ->
//	                              <-  Run, to be level; Audits of 64 entries: count and print of each, a frame of them
//	  those that differ:
//	AuditPull (b, c], 1           ->
//	                              <-  Part: the entries of (b, c]
//
// Sums count only where the replica is level and at the owner's max, so that a write between them
// is no difference. What the owner has is taken over; what it does not have goes only below the
// floor, and is counted above it (state.Heal). 1,000,000 small keys are gone through with some 350
// kB in some 600 periods.
//
// # Limits
//
// Four origins at a time are mended; others wait. An answer of a frame looks at some 6,000 words of
// a log, some ten microseconds; a thousand answers a second are given. What is asked while the list
// of questions is full is asked again. Tombstones below the floor are cleared first, a few hundred
// entries a millisecond. While the owner holds writes back (flow control) nobody is level with it:
// after a minute (lateAfter) it is compared with as it is, and what it rewrote and does not publish
// yet is hidden until it does, as from a newcomer. So it is after a second where there was no room for
// all that is missing (state.Choked): what was deleted may take that room. Memory is taken when it is
// first needed.
package interval
