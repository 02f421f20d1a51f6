// Package door feeds live cores with what fuzzers make up: raw bytes, mutated
// and replayed frames, records inside frames that open, among good traffic.
//
//	go test -fuzz FuzzSealed ./fuzz/door
//	go test -fuzz FuzzClear  ./fuzz/door
//	go test -fuzz FuzzOpen   ./fuzz/door
//
// An input is a script: which of the traffic of two honest nodes arrives, when
// and in what state, what they write, what strangers and a false member say
// meanwhile. After each step the limits hold, frames have their size, an
// address that shows nothing is sent three times its own bytes at most, and no
// node holds what its author never wrote. Afterwards the two find together.
package door
