//go:build !unix

package stream

// peek sees nothing here: a hello is read in its turn.
func peek(int, []byte) (n int) { return 0 }
