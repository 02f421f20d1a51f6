package codec

import "testing"

// TestKeysAreNotEmpty: no run brings an entry without a key, whichever way it is decoded, so that
// no reader of keys has to think of one.
func TestKeysAreNotEmpty(t *testing.T) {
	id := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	filler := []byte{1, 0x60, 'f', 'i', 'l', 'l', 'e', 'r', 17, 'v', 'v', 'v', 'v', 'v', 'v', 'v', 'v'}
	for name, entries := range map[string][]byte{
		"alone":           {1, 0x00, 3, 'v'},
		"the quick way":   append([]byte{1, 0x00, 3, 'v'}, filler...),
		"after a key":     {1, 0x10, 'a', 3, 'v', 1, 0x00, 3, 'v'},
		"tombstone":       {3, byte(EntryTombstone), 0x00},
		"with a lifetime": {3, byte(EntryTTL), 3, 1, 0x00, 3, 'v'},
	} {
		var r Run
		if err := ParseRun(append(append([]byte{}, id...), append([]byte{4<<1 | 1}, entries...)...), &r); err != ErrEntry {
			t.Errorf("%s: a run with an empty key gives %v", name, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a run with an empty key was written")
		}
	}()
	var w RunWriter
	w.Begin(nil, 100, RunHead{ID: 1})
	w.Entry(&Entry{Version: 1, Value: []byte("v")})
}
