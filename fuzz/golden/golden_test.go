package golden

import "testing"

// TestTheFirstDifferenceIsTold: where two runs part is named; one that ends early differs, too.
func TestTheFirstDifferenceIsTold(t *testing.T) {
	for _, c := range []struct {
		want, got, line string
		differs         bool
	}{
		{"to 1 a\nto 2 b\n", "to 1 a\nto 2 b\n", "", false},
		{"to 1 a\nto 2 b\n", "to 1 a\nto 2 c\n", "to 2 c", true},
		{"to 1 a\n", "to 1 a\nto 2 b\n", "to 2 b", true},
		{"to 1 a\nto 2 b\n", "to 1 a\n", "", true},
	} {
		if line, ok := differ(c.want, c.got); ok != c.differs || line != c.line {
			t.Errorf("%q and %q: %q, %v", c.want, c.got, line, ok)
		}
	}
}
