// Crash kills a real process, again and again, while it writes with a disk, and holds what
// the next start finds against what was acknowledged.
//
//	go run ./fuzz/crash                      200 kills with each Sync, about two minutes
//	go run ./fuzz/crash -kills 20 -sync each -seed 7
//
// The child starts a member, says what its disk held, and writes with several goroutines
// as fast as it can, with snapshots on the way: it says what it is about to write, and once
// that is on disk (WaitSynced, or Set with SyncEach), that too. The parent sends SIGKILL
// after a random time of writing, or now and then in the middle of a start, and checks at
// the next start: every acknowledged write is there, or a later one of its key; nothing is
// there that was not written; no damage is told; no version is used again; and with SyncEach
// the generation stays, but for the few lives whose last block the kill tore.
//
// A kill loses nothing that the kernel has. What a loss of power does is tried in package
// engine/disk, over a file system that forgets.
package main
