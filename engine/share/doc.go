// Package share resolves keys that any member may write.
//
// # How it stands on logs of one writer
//
// Every member writes its own log and nobody else's; that stays a law. A shared write is an entry
// of the writer's own log under a reserved key, and its value begins with a claim: epoch, stamp,
// author (a hash of the writer's name). What a shared key holds is a pure function of the claims on
// it that the logs have, whatever the order in which they came, so members with equal logs agree.
// Nothing of this is consensus: two members may both believe for a moment that they wrote last.
//
// # The order of claims (Claim.Compare)
//
// Higher epoch wins. Within an epoch the rule of the claim decides:
//
//	last writer wins    the higher stamp, then the higher author
//	first writer wins   the lower stamp, then the lower author; a delete closes
//	                    the epoch and wins over all of it, and the next first
//	                    write opens the epoch after it
//
//	an order of values  the higher value (Orders.Compare), then the higher stamp, then
//	                    the higher author; a delete closes the epoch as above
//
// Claims under an order win over first-writer claims of their epoch, and those over
// last-writer claims, so that keys on which members disagree about the rule have one value
// all the same. Claims
// equal in all that differ in content, which only a cloned or rolled back disk
// can make, are settled too: a delete wins, then the value with the smaller
// SHA-256.
//
// But for orders that an embedder asks for, a value never decides before epoch, stamp and author
// do: comparing values earlier would mix concurrent writes of several keys into a state that nobody
// wrote.
//
// # Time (Clock)
//
// Stamps come from a hybrid logical clock (Kulkarni, Demirbas et al. 2014): 48
// bits of milliseconds since 1970 and a counter of 16 bits, compared as one
// number. Whoever has seen a claim stamps above it. A claim further ahead of
// this node's wall clock than the bound is not believed yet: it stays in the
// log, or the prefix property would break, but does not compete, and does not
// raise the clock; it competes when its time has come (Index.Ripen). So one
// clock that is years ahead spoils nothing, and Force, a write under the next
// epoch, takes a key back that carries such a stamp.
//
// # Deletes, withdrawals, adoption
//
// A shared delete is a live entry of the log with a claim that says so: it must
// shadow older writes for as long as any other log still has one. A withdrawal
// is a delete in the log of the member that withdraws: it carries no claim and
// never competes; members withdraw what lost. Before an origin is forgotten,
// live members take over the claims of its log that win, tombstones too, with
// epoch, stamp and author unchanged; Rank says who is to do that for a key, and
// a claim that two members adopted is the same claim twice.
//
// # Limits
//
// A claim costs 9 bytes of its entry, or up to 25 after adoption; what Set may
// take is computed with the larger. The index knows a key by 64 keyed bits of
// its hash: among 1,000,000 keys two collide in one of 37 million processes, and
// then one of the two is not found there. It needs 24 bytes a key at a load of a
// half to three quarters.
package share
