// Package compare finds out in what two replicas differ, by version vector, and
// sends just that.
//
// # The exchange
//
// The periodic exchange of a and b takes at most four frames when they differ and
// one when they do not:
//
//	a -> b  Sync(kind), fingerprint       b: equal, done
//	b -> a  Digest, or as the Diff says    a compares
//	a -> b  Runs of what b lacks (push), Pull of what a lacks (pull)
//	b -> a  Runs
//
// With Config.NoPrint a starts with its digest, and b answers as a does above.
//
// # The ways
//
// A [tune.Diff] says what comes between the fingerprint and the version vector, so that
// the cost follows the difference and not the number of origins:
//
//   - a sketch of the version vector in one frame (package sketch): who receives it
//     knows which origins differ and by how much. A node begins with the smallest
//     one; one that did not decode is followed by windows of the vector at once,
//     and by a larger sketch the next time. Where the vector takes tens of frames, a
//     node begins with the largest one, and ranges follow where it did not decode.
//   - fingerprints of ranges of identifiers, which are split where they differ, until few
//     origins are left in a range (ranges.go): nothing is drawn, kept or decoded, for a
//     round trip more where origins are many.
//   - batches of origins in an order in which what differs is probably first:
//     [Recent], peel back ([Peel]) and [Activity] of Demers et al. ("Epidemic
//     algorithms for replicated database maintenance", PODC 1987, §1.3 and §1.5).
//   - a few updates with their contents, those first that were needless least often
//     ([Updates]), as XGOSSIP compares.
//
// Members of one cluster may use different ways: each answers what it is asked, and
// all end with the vector. Windows of it rotate, so that every frame stands alone
// and loss costs one window.
//
// # Parts
//
// [Compare] is a node's part: the host hands it the records of comparisons and the
// name of the peer, and calls the Append that Host.Due asked for when a frame
// leaves. [Peer] is what the host keeps for it with each peer. Answers are lists of
// (origin, from): what is sent is the newest state when the frame is composed.
//
// # Limits
//
// Config.Jobs lists of Config.Wants origins are under way at once, 256 answers to updates, and 256
// ranges; what finds no room is counted by Host.Busy, and found again by a later exchange. A
// comparison takes at most 20 messages. A fingerprint or a digest may be a lie: it makes this node
// send what it holds, at the rate that the peer's budget allows, and nothing else. Nothing is
// allocated once each list was used; the order or the sketch that a way needs takes memory at Init,
// or when the first sketch is needed.
package compare
