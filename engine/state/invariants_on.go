//go:build invariants

package state

// invariants turns on checks that cost: build with -tags invariants.
const invariants = true

// clobber makes a view that outlived its cell show.
func clobber(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}
