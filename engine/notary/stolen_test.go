package notary

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/checkpoint"
)

// TestAStolenWordIsNobodyElses: the word of a former key, whole and as it was given, is for the key
// and the life that it names, and helps nobody else who shows it.
func TestAStolenWordIsNobodyElses(t *testing.T) {
	s, later := logOf(7, 3, "v"), logOf(8, 3, "v")
	given := made(t, New(&Config{Tag: tag, Key: private(2), Former: private(1)}), s, 7, 3)
	liar := made(t, New(&Config{Tag: tag, Key: private(4)}), s, 7, 3)
	again := made(t, New(&Config{Tag: tag, Key: private(2)}), later, 8, 3)
	for _, j := range []*checkpoint.Job{&liar, &again} {
		n := New(&Config{Tag: tag, NamesMax: 1, Keys: map[string]Key{"owner": public(1)}})
		at := s
		if j.ID == 8 {
			at = later
		}
		if j.Succession = given.Succession; j.Succession.Former != public(1) {
			t.Fatal("no word was given")
		}
		if n.Do(at, j); j.Verdict != checkpoint.Forged {
			t.Errorf("shown by the key of life %d it counts: verdict %d", j.ID, j.Verdict)
		}
		if k, _ := n.KeyOf("owner"); k != public(1) {
			t.Error("and takes the place of the owner's key")
		}
	}
	n := New(&Config{Tag: tag, NamesMax: 1, Keys: map[string]Key{"owner": public(1)}})
	if n.Do(s, &given); given.Verdict != checkpoint.Same {
		t.Errorf("shown by whom it was given to: verdict %d", given.Verdict)
	}
}

// TestAKeyWithoutAFormerOne gives no word, also where the job that it signs had one before.
func TestAKeyWithoutAFormerOne(t *testing.T) {
	s := logOf(7, 3, "v")
	j := made(t, New(&Config{Tag: tag, Key: private(2), Former: private(1)}), s, 7, 3)
	j.Verify = false
	if New(&Config{Tag: tag, Key: private(5)}).Do(s, &j); j.Verdict != checkpoint.Made || j.Succession.ID != 0 {
		t.Errorf("verdict %d, and the word of another key", j.Verdict)
	}
}
