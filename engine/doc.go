// Package engine is Quidnunc for embedding: a program starts a member, joins a
// cluster, writes its own keys, and reads what every other member says of
// itself from a local replica.
//
//	eng, err := engine.Start(ctx, engine.Config{Name: "web-1", Bind: ":7946", Insecure: true})
//	n, err := eng.Join(ctx, "10.0.0.7:7946", "dns+srv://_gossip._udp.web")
//	ver, err := eng.Set("addr", []byte("10.0.0.12:8080"))
//	val, meta, ok := eng.AppendGet(buf[:0], "web-2", "addr")
//	for m := range eng.Members() { ... }
//	for u, err := range eng.Watch(ctx, "addr") { ... }
//	err = eng.WaitVersion(ctx, ver)
//	err = eng.Close()
//
// # Model
//
// A member alone writes its keys; every other member holds a replica of them.
// Each write of a member takes the next number of one counter: its [Version].
// Replicas learn a member's writes in that order, so who has version 7 of a
// member has everything it wrote before, except what was overwritten since.
//
// # What happens where
//
// One goroutine, the [Reactor], runs the protocol of any number of engines of
// the process. Set, SetTTL and Delete check limits, take the version and leave
// the write in a stage; they never wait for the loop, and a full stage is
// [ErrBackpressure]. AppendGet and Members read without the loop. Calls that
// need an answer from it (Join, Leave, Stats, WaitVersion, WaitConverged, the
// start of Range over the own keys) take a turn of it, microseconds.
//
// Config.OnEvent and Config.Logger run on a goroutine of their own for each
// engine, in the order of events; they may call any method, Close too. Only
// Trace runs on the loop.
//
// # Errors
//
// Sentinels for errors.Is: [ErrClosed], [ErrBackpressure], [ErrTooLarge],
// [ErrFull], [ErrNameConflict] and the others; [ConfigError], [SizeError] and
// [JoinError] carry what is needed to act. After Close every call that can
// fail gives ErrClosed, reads find nothing, iterators end.
//
// # Limits
//
// Key and value of an entry have at most [EntryBytesMax] bytes together: an
// entry travels whole in one datagram on any network. Config.Limits bound the
// memory of a replica, and Config.StageBytes the writes in flight.
package engine
