// Package delegate is range-delegated broadcast: news reaches every member over a tree
// that nobody builds. All members stand on a ring, in the order of their places. Who has
// news cuts the ring into a few ranges and sends it to one member of each, its delegate,
// with the range; a delegate does the same with its range. The range that a node stands in
// itself is its own to cover.
//
//	            the ring, 0 .. n-1
//	      .--------------+---------------.
//	  [0 .. 31]      [32 .. 63]  ...  [.. n-1]     at most Fanout ranges,
//	      17              40             ...       each with a delegate drawn from it
//	 .----+----.          |
//	0 .. 16   18 .. 31   ...                       so many messages, each member once
//
// Kin are the broadcast of structured overlays (El-Ansary, Alima, Brand, Haridi 2003),
// Kadcast and Turbine. There is no tree to warm up or to repair, and no member carries
// more of the load than others for long: delegates are drawn anew each second. Those who draw
// at one time draw the same, so the news of many authors shares the frames of a delegate: under
// load what a member receives follows how often its delegate flushes, not how many write.
//
// # Zones
//
// A zone is a range of the ring: the places of its members begin with it. A range with several
// zones in it is cut between them first, so that the news crosses into each once, and those who
// have no zone stand among all. Who is in a zone may be given all of it to cover, however many
// they are. Where there are more zones than Fanout, or their places fall together, ranges are
// cut as if there were none.
//
// # Urgent news
//
// Where more than 5 % of the frames are lost on the way to the last member, urgent news goes over two
// trees. The second cuts the ring half a part further on, so it has other delegates, and nearly
// everybody is told by two: one that is lost costs no time-out.
//
// # Parts
//
//   - [Ring]: who is where.
//   - [Tree]: who is told what, what was acknowledged and what is to be sent again. It
//     sends nothing: a host composes the frames, and takes what comes.
//   - [Relay]: the host that speaks: it composes and takes the records, for a node.
//
// # Parcels
//
// What a delegate is sent is a parcel: an origin, the version that it starts at, a range.
// It carries no bytes: when the frame is composed, a run from that version to what the
// store has then goes with it, and parcels of several authors for one delegate share the
// frame. A run starts at the lower of where the flush started at its author and what the
// relay held itself before, so that one who missed a flush hands on that too.
//
//	queued --Sent--> flying --Covered--> done
//	   '------<--- overdue, refused ---'
//
// A parcel that is not acknowledged within the path's patience is handed to another member of its
// range, again without doubling, since that one did nothing wrong; a parcel for a single member is
// sent to it again, with doubling. Where later frames show that the one that carried it was lost
// (Lost), it leaves again at once, to whom it was for. Both end after a number of tries and are
// left to anti-entropy ([Counters.DelegationsLost]).
//
// # Acknowledgements
//
// An acknowledgement says that the delegate holds the run and covers the range. It names
// the parcel's serial, of 4 bytes, so many of them ride in one record of a frame that
// leaves anyway. Who came to a hole waits until the hole is filled, and acknowledges then;
// who can't apply says so at once, and another is taken.
//
// # Turns
//
// A delegate is drawn by a hash of the range and of the time, of which Anew is one step:
// flushes that follow each other take the same way, and do not overtake each other. Who
// missed an acknowledgement loses its turn for Out, and for twice as long with each miss
// after it, up to 32 times, until it acknowledges something. It is covered meanwhile, as a
// member of somebody's range.
//
// Who acknowledges and does not cover is found by the members of its range: when that should be
// done, one of them is asked whether it holds the news, by a parcel with nothing in it. A range
// of auditEach members is always audited, smaller ones in turns. Who says no costs the delegate
// its turn, as a miss does, and the range is covered anew by others; so does one that
// comparisons find to lack what was covered there (Lacks). An audit that is not answered says
// nothing. A member that lies there takes a turn from an honest delegate, and makes the members of
// one range acknowledge what they hold already.
//
// # What is refused
//
// A range holds its receiver, and neither its sender nor the author; it holds no more
// members than a cluster of this size gives to one delegate, four times over, since views
// differ. So ranges nest strictly, nothing comes round, and a forged one costs no more than
// a true one. What was covered lately is acknowledged and not covered again, and news that
// had its time to arrive is not handed on at all.
//
// # Limits
//
// A Tree has memory for Flying parcels, 88 bytes each, and for as many acknowledgements, of which
// it asks for as much as it needs; of what was said to be covered it remembers the last 1,024 ranges; what finds no room is counted (Counters.Busy) and left to
// anti-entropy. Members that this node does not know and that stand between two that it knows are
// in the range of a delegate, who may know them. Nothing is allocated but with a new peer.
package delegate
