// Package content keeps the contents of large values: once each, by their
// SHA-256, for as long as something refers to them.
//
// An entry of a member's log says the length and the sum of its value; the value
// itself, the content, is not in the log. A [Table] knows for each such entry
// (a reference) which content it wants and which it shows:
//
//   - want is the newest content that the log names;
//   - show is the newest that is complete here: the same one, or, while that is
//     still fetched, one before. So a reader never sees a part. A content whose fetch
//     had begun when another took its place is fetched and shown all the same: who
//     writes faster than others fetch keeps nobody from seeing something newer.
//
// A content is [Here] or [Missing]. It is dropped when no reference wants or
// shows it, nobody holds it (a reader that copies it, a stream that sends it),
// and it has been so for a while: members that are behind may still ask for it.
// The bytes of what is here and of what is on its way are counted against one
// limit; what does not fit stays missing and says so, and never keeps an entry
// of the log waiting.
//
// The table copies and hashes nothing: bytes come and go as slices, sums are
// told. It has one caller at a time. Work is O(1) for each call, and Sweep does
// as much as it is told to.
package content
