package enum

import "testing"

type fruit uint8

var fruits = Names[fruit]{"fruit", "kind of fruit", []string{"", "apple", "pear", "plum"}}

// TestNames: a name and its value find each other; what has no name is said to have none.
func TestNames(t *testing.T) {
	for e := fruit(1); e <= 3; e++ {
		text, err := fruits.Text(e)
		if err != nil || string(text) != fruits.String(e) {
			t.Errorf("Text(%d) = %q, %v", e, text, err)
		}
		var back fruit
		if err := fruits.Set(&back, text); back != e || err != nil {
			t.Errorf("Set(%q) = %d, %v", text, back, err)
		}
	}
	const want = ": want apple, pear or plum"
	for _, s := range []string{"", "Apple", "cherry"} {
		kept := fruit(2)
		if err := fruits.Set(&kept, []byte(s)); err == nil || err.Error() != "engine: kind of fruit \""+s+"\""+want || kept != 2 {
			t.Errorf("Set(%q): %v, %d", s, err, kept)
		}
	}
	for e, name := range map[fruit]string{0: "fruit(0)", 4: "fruit(4)", 255: "fruit(255)"} {
		if _, err := fruits.Text(e); fruits.String(e) != name || err == nil || err.Error() != "engine: kind of fruit "+name+want {
			t.Errorf("%d: %q, %v", e, fruits.String(e), err)
		}
	}
}
