// Package grammar lets a false member say whatever the wire format can say to a
// live engine, while its readers read.
//
// Broken bytes end in the codec. What passes it need not be sane: reserved
// keys, the last version, a floor above it, an age beyond its term, a claim
// about somebody else, records that make no sense one after another. A fuzzed
// input is a script that picks such content from pools and builds frames of it
// with codec's own writers, so that nearly every one is taken; two engines and
// one that joins after the lies run in a synctest bubble over batch/simnet.
//
// # Laws
//
//   - Nothing panics and nothing hangs: not the loop, not a reader.
//
//   - No reader is shown a key that is empty or the engine's own; what Range
//     shows, AppendGet has, no value is longer than an entry may be, and none is
//     shown for longer than 10 ms after its time to live has ended.
//
//   - Names in Members are valid names.
//
//   - An engine that was lied to takes writes and shows them; Close ends.
//
//   - Where nobody lied about an honest member, honest writes arrive.
//
//     go test ./fuzz/grammar                          a few hundred scripts
//     go test ./fuzz/grammar -fuzz FuzzLive
package grammar
