package codec

import "testing"

// TestReservedKeys: users' keys, shared keys and those of the engine itself are told apart.
func TestReservedKeys(t *testing.T) {
	for key, want := range map[string][3]bool{ // reserved, shared, system
		"":                 {},
		"s/k":              {},
		"\x00":             {true, false, true},
		"\x00addr":         {true, false, true},
		SharedPrefix:       {true, false, true},
		SharedPrefix + "k": {true, true, false},
	} {
		if got := [3]bool{Reserved(key), Shared(key), System(key)}; got != want {
			t.Errorf("%q: %v, want %v", key, got, want)
		}
		if got := [3]bool{Reserved([]byte(key)), Shared([]byte(key)), System([]byte(key))}; got != want {
			t.Errorf("%q as bytes: %v, want %v", key, got, want)
		}
	}
}
