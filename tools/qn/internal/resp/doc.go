// Package resp is the front of an agent for clients of Redis: RESP2 and RESP3 over TCP, so that
// redis-cli, redis-benchmark and the client libraries work as they are. It speaks for a cluster of
// replicas, not for a Redis: names of keys are those of package space, a read is the local
// replica's, and a write is of a shared key or of a key of this agent.
//
// What is as in Redis: the protocol with pipelines, inline commands, HELLO, AUTH, the texts of
// errors, the arguments of SET and its relatives, lifetimes, SCAN's contract, WAIT, subscriptions
// with keyspace events, and that clients which read too slowly are not waited for. A member can be
// read as a hash: HGETALL web-2.
//
// What is not: keys of other members can't be written here (ERR says whose they are), there is one
// database, there are no transactions and no scripts, and subscriptions lose messages when they
// fall behind: then the event __keyevent@0__:resync says so.
//
// # Limits
//
// Bytes that were not parsed yet and bytes that were not taken yet are bounded for each connection,
// and so is the number of connections; who goes beyond is closed and counted. A request that looks
// like HTTP closes the connection at once: a browser must not be able to write by a form.
package resp
