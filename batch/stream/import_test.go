package stream_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Who does not import this package compiles neither gnet nor a compressor.
func TestEngineDoesNotNeedIt(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/quidnunc/quidnunc/engine/...", "github.com/quidnunc/quidnunc/batch").CombinedOutput()
	if err != nil {
		t.Skipf("go list: %v: %s", err, out)
	}
	for _, path := range strings.Fields(string(out)) {
		if strings.Contains(path, "gnet") || strings.Contains(path, "klauspost") || strings.HasSuffix(path, "batch/stream") {
			t.Errorf("the engine imports %s", path)
		}
	}
}
