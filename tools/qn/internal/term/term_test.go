package term

import (
	"bytes"
	"os"
	"testing"
)

func TestProgressIsSilentOffTerminal(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, false)
	p.Show("at %d %%", 10)
	p.Clear()
	if b.Len() != 0 || p.Visible() {
		t.Errorf("wrote %q to something that is not a terminal", b.String())
	}
}

func TestInteractive(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if Interactive(f) {
		t.Error("a plain file is not a terminal")
	}
}
