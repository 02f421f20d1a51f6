package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/load"
)

// qn runs the tool in this process.
func qn(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Main(args, &out, &err)
	return code, out.String(), err.String()
}

func TestUsageErrorsNameFlagValueAndFix(t *testing.T) {
	f := func(args string, wants ...string) {
		t.Helper()
		code, stdout, stderr := qn(strings.Fields(args)...)
		if code != ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "error: ") {
			t.Errorf("qn %s: exit %d, stdout %q, stderr %q; want exit 2 and one line", args, code, stdout, stderr)
		}
		for _, want := range wants {
			if !strings.Contains(stderr, want) {
				t.Errorf("qn %s: %q does not say %q", args, stderr, want)
			}
		}
	}
	f("load --nodes 1", "--nodes 1", "fix: --nodes 2")
	f("load --nodes x", "nodes", "x")
	f("load --rate 10x", "--rate", "10x", "10k")
	f("load --size 1.5", "--size", "1.5", "4KiB")
	f("load --loss 2", "--loss", "20%")
	f("load --mode shove", "--mode shove", "push-pull")
	f("load --order best", "--order best", "fair")
	f("load --scenario none", "--scenario none", "pingpong")
	f("load --duration 1ms", "--duration 1ms", "fix: --duration 10s")
	f("load -o xml", "--output xml", "-o json")
	f("load --key abc", "--key (not shown)", "qn keys gen")
	f("load --key-file /none", "--key-file /none", "no such file")
	f("load --insecure --key-file x", "--insecure", "drop one")
	f("keys gen --id 0", "--id 0", "1 to 255")
	f("load now", `"now"`)
	f("load --node 3", "--node", "--help")
	f("version -o xml", "-o json")
	f("laod", "laod", `"load"`)
	f("frobnicate", "frobnicate", "--help")
}

func TestHelpStartsWithExamples(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "qn"), " ")
		code, stdout, stderr := qn(append(strings.Fields(path), "--help")...)
		if code != ExitOK || stderr != "" || !strings.HasPrefix(stdout, cmd.Short) {
			t.Errorf("qn %s --help: exit %d, stderr %q, stdout %q", path, code, stderr, stdout)
		}
		if cmd.HasAvailableFlags() && cmd.Example != "" {
			lines := strings.Split(stdout, "\n")
			for _, line := range lines[2:5] {
				if !strings.HasPrefix(line, "  qn ") {
					t.Errorf("qn %s --help: line %q is no example", path, line)
				}
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
	if code, stdout, _ := qn(); code != ExitOK || !strings.Contains(stdout, "load") {
		t.Errorf("qn alone: exit %d, %q", code, stdout)
	}
	if code, stdout, _ := qn("help", "exit-codes"); code != ExitOK || !strings.Contains(stdout, "replicas") {
		t.Errorf("qn help exit-codes: exit %d, %q", code, stdout)
	}
}

// TestExamplesAreAccepted parses every example of every command with its own flags.
func TestExamplesAreAccepted(t *testing.T) {
	for _, text := range []string{rootExamples, loadExamples} {
		for line := range strings.Lines(text) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "   ")
			args := strings.Fields(command)
			cmd, rest, err := newRoot().Find(args[1:])
			if err != nil || cmd.Name() != "load" {
				t.Errorf("%q: no such command: %v", command, err)
				continue
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", command, err)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	code, stdout, _ := qn("version")
	if code != ExitOK || !strings.HasPrefix(stdout, "qn ") {
		t.Errorf("exit %d, %q", code, stdout)
	}
	code, stdout, _ = qn("version", "-o", "json")
	var v map[string]string
	if err := json.Unmarshal([]byte(stdout), &v); code != ExitOK || err != nil || v["go"] == "" {
		t.Errorf("exit %d, %v, %q", code, err, stdout)
	}
}

func TestLoadRuns(t *testing.T) {
	code, stdout, stderr := qn(strings.Fields("load --nodes 3 --keys 5 --warmup 10ms -d 100ms -o json")...)
	var r struct {
		Nodes     int
		Converged bool
	}
	if err := json.Unmarshal([]byte(stdout), &r); code != ExitOK || err != nil || stderr != "" || r.Nodes != 3 || !r.Converged {
		t.Errorf("exit %d, %v, stderr %q, stdout %s", code, err, stderr, stdout)
	}
}

func TestDifferentReplicasHaveACodeOfTheirOwn(t *testing.T) {
	for _, output := range []string{"table", "json"} {
		var stdout, stderr bytes.Buffer
		code := exitCode(conclude(&stdout, output, &load.Report{RateTarget: 1, Different: 3}), &stderr)
		if code != ExitUnconverged || stderr.Len() != 0 || stdout.Len() == 0 {
			t.Errorf("exit %d, stderr %q, stdout %s", code, stderr.String(), stdout.String())
		}
	}
}

func TestKeysGen(t *testing.T) {
	code, line, stderr := qn("keys", "gen", "--id", "9")
	if code != ExitOK || stderr != "" || len(line) != 2+64+1 || !strings.HasPrefix(line, "9:") {
		t.Fatalf("exit %d, %d bytes, %q", code, len(line), stderr)
	}
	file := filepath.Join(t.TempDir(), "key")
	if code, _, stderr := qn("keys", "gen", "--out", file); code != ExitOK || stderr != "" {
		t.Fatal(code, stderr)
	}
	if code, _, stderr := qn("keys", "gen", "--out", file); code != ExitFailed || !strings.Contains(stderr, "--out") {
		t.Error("a key was written over", code, stderr)
	}
	for _, args := range [][]string{{"--key", strings.TrimSpace(line)}, {"--key-file", file}, {"--insecure"}} {
		code, stdout, stderr := qn(append(strings.Fields("load --nodes 3 --rate 500 --keys 5 --warmup 10ms -d 200ms -o json"), args...)...)
		var r struct{ Sealed, Converged bool }
		if err := json.Unmarshal([]byte(stdout), &r); code != ExitOK || err != nil || stderr != "" || !r.Converged || r.Sealed != (len(args) == 2) {
			t.Errorf("%s: exit %d, %v, stderr %q, stdout %s", args[0], code, err, stderr, stdout)
		}
	}
}
