package cli

import (
	"os"
	"strings"
	"testing"
)

// Every line of the README that runs qn is taken by qn as it stands there.
func TestReadmeCommandsAreAccepted(t *testing.T) {
	text, err := os.ReadFile("../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), " #")
		command, ok := strings.CutPrefix(strings.TrimPrefix(command, "$ "), "go run ./tools/qn ")
		if !ok {
			if command, ok = strings.CutPrefix(command, "qn "); !ok {
				continue
			}
		}
		n++
		command, _, _ = strings.Cut(command, " | ")
		accepted(t, command)
	}
	if n < 15 {
		t.Errorf("%d commands were found", n)
	}
}
