package sched

// Shuffle puts s into an order drawn uniformly from all orders (Fisher-Yates).
func Shuffle(r *Rand, s []uint32) {
	for i := len(s) - 1; i > 0; i-- {
		j := r.Uint32n(uint32(i + 1))
		s[i], s[j] = s[j], s[i]
	}
}

// Sample copies distinct elements of from into dst until one of the two is
// used up, every subset and every order with the same probability, and returns
// how many: min(len(from), len(dst)). It is a partial Fisher-Yates shuffle, so
// it costs O(len(dst)) and reorders from, which stays the same set.
func Sample(r *Rand, from []uint32, dst []uint32) int {
	k := min(len(from), len(dst))
	for i := range k {
		j := i + int(r.Uint32n(uint32(len(from)-i)))
		from[i], from[j] = from[j], from[i]
		dst[i] = from[i]
	}
	return k
}
