// Package notary makes and verifies the signatures of checkpoints (Ed25519, RFC 8032) and
// knows whose key is whose. Package checkpoint says when; the shell runs [Notary.Do] outside
// of its loop.
//
// # Whose key
//
// A name is bound to a key by the operator ([Config.Keys]) or, where the operator says
// nothing, by the first signature that came in its owner's own frames. From then on the name
// has that key. Another one takes its place only with a signature of the former one
// (codec.PublicKey), or once the name is forgotten: its member was dead or gone for long.
// A binding that was learned lasts as long as the process; so who meets a liar before the
// owner binds the liar's key, unless the operator has said whose it is.
//
// # What is signed
//
// SHA-256 over the live entries of a log, up to its newest version (codec.AppendDigested).
// The log is read as any reader reads it, while its writer goes on. If it goes on meanwhile,
// nothing is said of it.
//
// # Cost
//
// BenchmarkJobs, in time of a processor on a busy machine: 32 µs for a signature, 77 µs to
// verify one, and 0.18 µs for each entry of 39 bytes that the digest is over. A signature that
// does not hold is found before anything is hashed.
//
// Do has one caller at a time; the other methods are for any goroutine.
package notary
