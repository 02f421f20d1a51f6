// Fan measures how long a small write takes to be on all of a set of holders, and what that
// costs, by the engine and by others that fan out: NATS (core, and JetStream's KV), Redis (pub/sub),
// memberlist (as it comes, tuned, and as datagrams to all) and chitchat. It prints a table in
// Markdown.
//
//	go run ./fan                                       everything: some 25 minutes
//	go run ./fan -kinds quidnunc,nats -rates 1000,16000 -rounds 3
//	go run ./fan -find                                 the highest rate that each sustains
//	go run ./fan -log fan.jsonl -for 140s              a part: what the log lacks; again goes on
//	go run ./fan -log fan.jsonl -for 1ns               the table of what the log has
//
// One process holds all: a generator, the holders, and the server where there is one that can be
// embedded; redis-server and chitchat run beside. Each cell is a process of its own, in a network
// namespace of its own where that is allowed, so that all that its loopback carried is its own.
// Kinds take turns, so that all meet the same noise, and a row is the median of the rounds, with
// the lowest and the highest. What is not installed is skipped and said so.
//
// The generator is open: writes are due at fixed times, come from a random holder, each of its
// keys in turn, and times count from when a write was due. A value has 64 bytes. Every holder other
// than the writer stores it. p50 and p99 are of the time until the last of them had a
// write or a newer one of that key, over those writes that everybody had; "overtaken" is the share
// of deliveries that never were, because a newer write of the key went instead or because they were lost.
// When the writing ends the replicas have ten seconds to become equal, and are compared key by key.
// Processor time is that of everything: generator, holders, servers.
//
// What the table does not show: all holders share one process and one scheduler, which is the best
// case for all of them; on hosts of their own a writer of the engine sends a datagram to each other
// holder, and a client of a server sends one message. No machine but the loopback lies in between.
// The client of Redis here is written by hand and cheaper than a library. The processor time of
// memberlist and of the engine includes failure detection.
//
// A rate is sustained if 99 % of it was written, at most 2 % were overtaken, all replicas were equal
// afterwards, and the 99th percentile was half a second at most.
package main
