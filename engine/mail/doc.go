// Package mail knows how far each peer has the writes of this node, and when to
// send them again. Nothing is queued for a peer: what it lacks is what the store has
// after its cursor, in its newest form, so memory for each peer is constant.
//
// # How news leaves
//
// [Mail.News] makes own writes due at every open peer, or has them and the news of others told to a
// few (package rumor), as [tune.Spread] says. With tune.SpreadAuto [Choice] says how many members
// hear of own news from this node; if that is not all, the others are told by those (package
// delegate). [Flush] lets the news of many origins go in one frame, and takes its turn by the
// [Credit] of the loop, which all engines of the loop share. [Mail.Append] appends a run from the
// peer's cursor, [Mail.Receive] takes its acknowledgement, and [Mail.Resend] looks what
// became of it.
//
// A write has a class ([Mail.Class]). An urgent one waits for no company. A bulk one makes nothing
// leave: peers are told of it with the next write of another class, else by comparisons, and nobody
// misses it until then.
//
// How long news is on its way, [settle.Settle] knows: what peers should have by now is
// offered to them, and what is on its way is not.
//
// # The cursor
//
//	0 ......... acked ......... at ......... own
//	   it holds      it was sent    it is due
//
// Mail moves the cursor on ([Cursor.Mailed]) and what the peer says that it holds
// moves the acknowledgement ([Cursor.Have]). One function moves the cursor back, to
// the acknowledgement: when a frame was lost, when an acknowledgement is overdue,
// when the peer is given up or taken up again, when it has lost what it held, and
// when this node begins another life.
//
// # Waiting
//
// One timer runs for each peer. When it fires, [Cursor.Overdue] says what to do: wait
// for what was sent since, send again, or give the peer up after quietAfter timers
// without a sign of life, or two and quietSpan. A peer that was heard within
// heardMin lost a frame; one that was not may be slow, and each timer that fires
// doubles the wait. A peer that answers and does not get further, vainMax times in
// a row, may have no room: then the wait doubles too.
//
// # Runs
//
// A write goes to every peer, mostly from the same cursor: [Cache] keeps the runs
// that were encoded since the last write, so that each is encoded once and copied
// into every frame. It holds runsMax of them, of a frame each.
//
// # References
//
// A peer that knows them is sent references in the place of keys to what it holds up to its cursor
// (reconcile.Filler.News), unless it has no room for some of our writes, or others may have brought it
// our log and it was not told since what that sums up to ([Word]): see package state. Where one leads
// nowhere all the same, the peer asks, and is answered with keys. One that asks 16 times a second is
// sent keys for two seconds.
package mail
