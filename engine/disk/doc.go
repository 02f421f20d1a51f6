// Package disk keeps what one member has said over restarts, in a directory of its own:
// its keys, with deletes; large values; the generation that it used; the addresses of
// the members that it knew; and what shared keys hold, whoever wrote them.
//
// # Files
//
//	quidnunc.lock                    who uses the directory
//	quidnunc-0000000000000003.log    writes, in the order of their versions
//	quidnunc-0000000000000003.snapshot   everything that was written before that log
//	quidnunc-SHA256.value            a large value
//	quidnunc.secrets                 the secrets, if they are wanted here
//	*.new                            under construction; the next start removes it
//	*.damaged                        set aside, the newest four
//
// All are readable by their owner alone. Every start begins a log. When the logs since the
// last snapshot are twice as long as that snapshot, and above 4 MiB, or more than eight,
// the next log is begun and a snapshot is made of what the store holds by then: it may
// hold a little of that log too, and versions say what is newer. When it is complete it
// gets its name, the directory is synced, and what was before is removed. So a directory
// has about three times what the member's keys and the shared keys take, and a start reads
// as much.
//
// A file is a head (format, number, generation, cluster, member, a random salt) and
// blocks. A block has a checksum for its own head, so that a length is believed before it
// is followed, and one for its body; both are CRC-32C and begin with the salt. A batch of
// writes is a block as it was staged: to keep a write costs the loop one copy of its
// bytes, and the disk's goroutine a checksum and its part of a system call.
//
// # What a start finds
//
// The end of the newest log may be torn: that is how a process ends that is killed, and
// it is not told. What is no block and stands before others is damage: it is told with
// the place, everything else is read, a snapshot is made at once, and the file is set
// aside. A file of a later format, of another member, or a directory with files of
// somebody else and none of ours, is an error that says what to do; nothing is touched.
//
// The generation may be kept where nothing that was told to others is missing: where the
// last block says that the log was closed in order, and no leave was announced; or where
// every log of that life was synced before anything left, a leave that others may know of
// too, and nothing is torn. Everybody
// else takes a higher one, so that no version is ever used again. Versions go on counting
// either way. The mark of a close is used up by the next start, because that begins
// another log.
//
// # Failures
//
// After any error of a write or a sync nobody knows what of the file is on disk (a second
// fsync may succeed and mean nothing: Rebello et al., USENIX ATC 2020), so the file is
// given up. What is offered then is lost to the disk, and told so; after 1 s, then 2 s, up
// to 30 s, a new log is tried, with a snapshot of everything before it. Once that is
// complete, writes are durable again.
//
// A disk that contents fill to which nothing refers any more is no failure: a start removes them
// first, whoever writes a content waits for a snapshot that does, and so does a log that has to be
// begun anew.
//
// # Why not a library
//
// The state is in memory already, bounded, and has one writer; what is missing is a log,
// a snapshot, and knowing exactly what was synced. bbolt keeps pages that are written in
// place, with two syncs a transaction and a second copy of the state; Pebble and Badger
// are made for more than fits memory, with compactions, caches and many dependencies;
// write-ahead logs such as those of etcd and hashicorp/raft-wal are right for entries that
// are truncated at their front, and leave snapshots, torn ends in the middle of a chain
// and the failures above to their user. None can take the stage's bytes as they are.
//
// # Limits
//
// Windows has no sync of a directory; a system without flock(2) is refused. What others
// write to shared keys is written without being waited for, with Each too.
package disk
