// Package flowcontrol is the second experiment of the Scuttlebutt paper (van
// Renesse, Dumitriu, Gough, Thomas, LADIS 2008, §5): participants that want to
// update as fast as they may, limited by the flow control that the engine has.
//
// Real cores exchange real frames in virtual time. Eager push and the
// fingerprint shortcut are off, so every exchange compares digests; the limit
// counts entries in each direction of an exchange; each participant starts one
// exchange a second and is called once (staleness.Pairs); a message takes 10 to 50 ms. The
// schedule is the paper's:
//
//	 0 s  nobody updates
//	15 s  everybody wants to; a random one of its 64 keys each time
//	90 s  the limit of entries in an exchange is halved, 100 to 50
//	180 s end
//
// Where news arrives at most 2·mtu an interval at each of N participants, no
// rate above 2·mtu/(N-1) can last; that is [Capacity].
//
// What is sampled each second: the mean and the largest allowed rate τ of the
// participants, in entries a second, and the largest staleness (fuzz/staleness).
package flowcontrol
