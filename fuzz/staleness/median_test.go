package staleness

import "testing"

// TestMedian: what several seeds come to does not hang on their order.
func TestMedian(t *testing.T) {
	self := func(v float64) float64 { return v }
	for _, x := range []struct {
		of          []float64
		median      float64
		least, most float64
	}{
		{[]float64{4}, 4, 4, 4},
		{[]float64{9, 2}, 2, 2, 9},
		{[]float64{5, 1, 9}, 5, 1, 9},
		{[]float64{3, 8, 1, 6}, 3, 1, 8},
	} {
		if m := Median(x.of, self); m != x.median {
			t.Errorf("the median of %v is %v", x.of, m)
		}
		if least, most := Ends(x.of, self); least != x.least || most != x.most {
			t.Errorf("%v are from %v to %v", x.of, least, most)
		}
	}
}
