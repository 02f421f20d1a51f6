// Package peers compares the engine with hashicorp/memberlist in the same
// process, on the same machine, in the same minute. It is a module of its own,
// so that nobody who imports the engine gets memberlist.
//
//	cd bench/peers && go test -bench Broadcast -benchtime 200x
//	cd bench/peers && go test -bench Idle -benchtime 1x
//
// Each operation of BenchmarkBroadcast is one small message from one of N
// nodes on loopback; it ends when all others have it. Reported are the median
// and the 99th percentile of the time until the last one had it, the
// processor time of the whole process for each message, and how many messages
// did not reach everybody within 5 s (they are not in the times).
//
// memberlist runs with its LAN defaults and with the settings that make it as
// fast as it goes (a gossip tick of 1 ms to four nodes, no compression). Its
// receivers pass a message on the first time they see it, as serf does. The
// engine runs with its defaults. memberlist-best-effort is one datagram from the writer to each
// member, without an acknowledgement. redis is a redis-server of which every node is a client
// that has subscribed, where one is installed; its processor time leaves the server out.
//
// Package peer has the drivers. Package fan is a program that compares both, NATS, Redis and chitchat under load.
//
// BenchmarkIdle compares what members cost that have nothing to do: twelve processes
// of one member each, of the engine with its defaults, of one that detects about as late
// as memberlist, and of memberlist with its LAN defaults.
package peers
