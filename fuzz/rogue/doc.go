// Package rogue is a member that can be made to say anything. It goes through
// the handshake as an honest one does, with or without a key of the cluster,
// and then puts whatever records it is given into frames that open: for fuzzers
// and attacks that have to get past the door.
package rogue
