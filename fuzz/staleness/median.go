package staleness

import "slices"

func sorted[T any](all []T, of func(T) float64) (v []float64) {
	for _, x := range all {
		v = append(v, of(x))
	}
	slices.Sort(v)
	return v
}

// Median is the middle value of runs with different seeds, the lower one of two.
func Median[T any](all []T, of func(T) float64) float64 {
	v := sorted(all, of)
	return v[(len(v)-1)/2]
}

// Ends are the least and the greatest.
func Ends[T any](all []T, of func(T) float64) (least, most float64) {
	v := sorted(all, of)
	return v[0], v[len(v)-1]
}
