package paper

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFlowcontrolCommand writes every file that it promises.
func TestFlowcontrolCommand(t *testing.T) {
	dir := t.TempDir()
	cmd := newFlowcontrol()
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--nodes", "12", "--orders", "fair", "--runs", "2", "--out", dir})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err, out.String())
	}
	for _, name := range []string{"rate.csv", "staleness.csv", "summary.json", "rate.png", "rate.svg", "staleness.png", "staleness.svg"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	cmd = newFlowcontrol()
	cmd.SetArgs([]string{"--orders", "best"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(t.Context()); err == nil {
		t.Error("an ordering that does not exist")
	}
}
