package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
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
		if code != exit.Usage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "error: ") {
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
	f("load --nodes abc", "--nodes abc", "whole number", "--nodes 16")
	f("load -d 10", "--duration 10", "10s")
	f("load --diff sketsh", "sketsh", "--diff sketch")
	f("load --rumor push,kounter", "kounter", "counter")
	f("load --rumor push,k=0", "254")
	f("load --repair 1ms", "--repair 1ms", "--repair 1s")
	f("load --spread", "--spread", "needs a value")
	f("load --rat 5k", "--rate")
	f("keys gen --id 256", "--id 256", "0 to 255")
	f("keys gne", `"gen"`)
	f("sim --swarm -1", "--swarm -1", "1 or more")
	f("sim --swarm 0", "--swarm 0")
	f("sim --swarm 5 --replay x", "--replay")
	f("sim --failures 0 --swarm 1", "--failures 0")
	f("sim --for 0s", "--for 0s", "10s")
	f("sim --loss 2", "--loss 2", "20%")
	f("sim --order best", "--order best")
	f("sim frozen --for 0s", "--for 0s", "more than 0s")
	f("sim frozen --for -1s", "--for -1s")
	f("sim frozen --rate 0", "--rate 0", "2.5k/s")
	f("sim spread --loss 10x", "--loss 10x", "20%")
	f("sim spread --loss 60%", "--loss 0.6", "0.5")
	f("sim spread --rate abc", "--rate abc", "2.5k/s")
	f("sim compare --loss 0,abc", "abc", "20%")
	f("sim compare --diff foo", "--diff foo", "sketch")
	f("sim compare --writes a", "--writes a", "16,64")
	f("sim detect --profile lna", `"lan"`)
	f("sim paper demers --runs 0", "--runs 0", "1 or more")
	f("sim paper nosuch", "nosuch")
	f("demo --nodes 2", "--nodes 2", "24")
	f("demo --listen 0.0.0.0:1", "--listen", "loopback")
	f("demo --processes 2 --headless", "--processes 2", "8")
	f("demo --processes 8", "--headless")
	f("demo --duration 1s", "--duration 1s")
	f("help nosuch", "nosuch")
	f("kv get", "NAME", "--help")
	f("kv get a b", `"b"`)
	f("members --state ded", `"dead"`)
	f("keys use x", "1 to 255")
	f("keys install /nosuch", "qn keys gen")
	f("top --every 1ms", "100ms")
	f("members --agent ftp://x", "--agent", "unix:")
	f("agent --nmae x", "--name")
	f("agent --profile lna", `"lan"`)
	f("agent --http foo", "--http foo", "127.0.0.1:7947")
	f("agent --resp 127.0.0.1", "--resp 127.0.0.1", "127.0.0.1:7979")
	f("agent --dns 7953", "--dns 7953", "127.0.0.1:7953")
	f("agent --tag foo", "--tag foo", "service=web")
	f("agent --sync foo", "--sync foo", "interval, never or each")
	f("agent --ready-members 0", "--ready-members 0", "1")
	f("agent --config /nosuch", "/nosuch", "fix:")
	f("agent --resp 0.0.0.0:0 --http= --dns= --name a --bind 127.0.0.1:0", "--resp-password-file")
	f("agent --http 0.0.0.0:0 --resp= --dns= --name a --bind 127.0.0.1:0", "--http-token-file")
	f("agent --bind 0.0.0.0:0 --http= --resp= --dns= --name a", "--insecure")
	f("help laod", `"load"`)
	f("help keys nosuch", "nosuch")
	f("load --node 3", "--node", "--nodes")
	f("version -o xml", "-o json")
	f("completion", "SHELL", "bash", "fish")
	f("completion bsh", "bsh", `"bash"`)
	f("completion bash zsh", "zsh", "--help")
	f("top --rounds -1", "--rounds -1")
	f("members --token-file /nosuch", "--token-file /nosuch", "--http-token-file")
	f("laod", "laod", `"load"`)
	f("frobnicate", "frobnicate", "--help")
}

func TestHelpStartsWithExamples(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "qn"), " ")
		code, stdout, stderr := qn(append(strings.Fields(path), "--help")...)
		if code != exit.OK || stderr != "" || !strings.HasPrefix(stdout, cmd.Short) {
			t.Errorf("qn %s --help: exit %d, stderr %q, stdout %q", path, code, stderr, stdout)
		}
		for line := range strings.Lines(stdout) {
			if strings.Contains(line, "(default )") || strings.Count(line, "(default") > 1 {
				t.Errorf("qn %s --help: %q", path, line)
			}
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
	if code, stdout, _ := qn(); code != exit.OK || !strings.Contains(stdout, "load") {
		t.Errorf("qn alone: exit %d, %q", code, stdout)
	}
	if code, stdout, _ := qn("help", "exit-codes"); code != exit.OK || !strings.Contains(stdout, "replicas") {
		t.Errorf("qn help exit-codes: exit %d, %q", code, stdout)
	}
}

// commands calls visit for every command of the tree.
func commands(visit func(path string, cmd *cobra.Command)) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		visit(strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), "qn")), cmd)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}

// accepted parses what stands in a text with the flags of the command that it names.
func accepted(t *testing.T, command string) {
	t.Helper()
	cmd, rest, err := newRoot().Find(strings.Fields(command))
	if err != nil || cmd.Name() == "qn" {
		t.Errorf("%q: no such command: %v", command, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%q: %v", command, err)
		return
	}
	if cmd.Args != nil {
		if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
			t.Errorf("%q: %v", command, err)
		}
	}
}

// TestExamplesAreAccepted parses every example of every command with its own flags.
func TestExamplesAreAccepted(t *testing.T) {
	commands(func(path string, of *cobra.Command) {
		for line := range strings.Lines(of.Example) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
			for _, end := range []string{" | ", " && ", " < ", " > "} {
				command, _, _ = strings.Cut(command, end)
			}
			_, command, ok := strings.Cut(" "+command, " qn ")
			if !ok {
				t.Errorf("%s: %q is no example of qn", path, line)
				continue
			}
			accepted(t, command)
		}
	})
}

// Every command that has a result prints it in every form.
func TestEveryResultHasEveryForm(t *testing.T) {
	without := map[string]bool{"": true, "agent": true, "node": true, "help": true, "completion": true}
	commands(func(path string, cmd *cobra.Command) {
		if !cmd.Runnable() || cmd.HasSubCommands() && path != "sim" || without[path] {
			return
		}
		f := cmd.Flags().Lookup(form.Flag)
		if f == nil || f.Shorthand != "o" {
			t.Errorf("qn %s has no -o", path)
			return
		}
		for _, name := range []string{"table", "json", "ndjson"} {
			if err := f.Value.Set(name); err != nil {
				t.Errorf("qn %s -o %s: %v", path, name, err)
			}
		}
	})
}

// A command without an agent says so with a code of its own, and how to mend it.
func TestNoAgentIsUnreachable(t *testing.T) {
	for _, line := range []string{"members", "status", "kv get a", "kv set a b", "kv ls", "kv watch", "trace a", "why a", "lag", "digest", "top", "ping a", "leave", "keys list", "keys use 2"} {
		code, stdout, stderr := qn(append(strings.Fields(line), "--agent", "127.0.0.1:1")...)
		if code != exit.Unreachable || stdout != "" || !strings.Contains(stderr, "qn agent") {
			t.Errorf("qn %s: exit %d, %q, %q", line, code, stdout, stderr)
		}
	}
}

// A watch names keys as people write them, and tells a shared key from a mark of missed changes.
func TestWatchNamesKeys(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		var out bytes.Buffer
		if err := printChange(&out, json.RawMessage(line)); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %q, %v; want %q", line, out.String(), err, want)
		}
	}
	f(`{"member":"web-1","key":"a","version":"1/2","value":"x"}`, "web-1/a  2  x")
	f(`{"member":"","key":"a","version":"1/2","value":"x"}`, "a  2  x")
	f(`{"member":"","key":"a/b","version":"1/2","deleted":true}`, "/a/b  2  deleted")
	f(`{"member":"web-1","key":""}`, "web-1/*  gone")
	f(`{"resync":true}`, "missed")
}

func TestVersion(t *testing.T) {
	code, stdout, _ := qn("version")
	if code != exit.OK || !strings.HasPrefix(stdout, "qn ") {
		t.Errorf("exit %d, %q", code, stdout)
	}
	code, stdout, _ = qn("version", "-o", "json")
	var v map[string]string
	if err := json.Unmarshal([]byte(stdout), &v); code != exit.OK || err != nil || v["go"] == "" {
		t.Errorf("exit %d, %v, %q", code, err, stdout)
	}
}

func TestLoadRuns(t *testing.T) {
	code, stdout, stderr := qn(strings.Fields("load --nodes 3 --keys 5 --warmup 10ms -d 100ms -o json")...)
	var r struct {
		Nodes     int
		Converged bool
	}
	if err := json.Unmarshal([]byte(stdout), &r); code != exit.OK || err != nil || stderr != "" || r.Nodes != 3 || !r.Converged {
		t.Errorf("exit %d, %v, stderr %q, stdout %s", code, err, stderr, stdout)
	}
}

func TestDifferentReplicasHaveACodeOfTheirOwn(t *testing.T) {
	for _, output := range []form.Form{form.Table, form.JSON, form.NDJSON} {
		var stdout, stderr bytes.Buffer
		code := exit.Report(&stderr, conclude(&stdout, output, &load.Report{RateTarget: 1, Different: 3}))
		if code != exit.No || stderr.Len() != 0 || stdout.Len() == 0 {
			t.Errorf("exit %d, stderr %q, stdout %s", code, stderr.String(), stdout.String())
		}
	}
}

func TestKeysGen(t *testing.T) {
	code, line, stderr := qn("keys", "gen", "--id", "9")
	if code != exit.OK || stderr != "" || len(line) != 2+64+1 || !strings.HasPrefix(line, "9:") {
		t.Fatalf("exit %d, %d bytes, %q", code, len(line), stderr)
	}
	file := filepath.Join(t.TempDir(), "key")
	if code, _, stderr := qn("keys", "gen", "--out", file); code != exit.OK || stderr != "" {
		t.Fatal(code, stderr)
	}
	if code, _, stderr := qn("keys", "gen", "--out", file); code != exit.Usage || !strings.Contains(stderr, "--out") {
		t.Error("a key was written over", code, stderr)
	}
	for _, args := range [][]string{{"--key", strings.TrimSpace(line)}, {"--key-file", file}, {"--insecure"}} {
		code, stdout, stderr := qn(append(strings.Fields("load --nodes 3 --rate 500 --keys 5 --warmup 10ms -d 200ms -o json"), args...)...)
		var r struct{ Sealed, Converged bool }
		if err := json.Unmarshal([]byte(stdout), &r); code != exit.OK || err != nil || stderr != "" || !r.Converged || r.Sealed != (len(args) == 2) {
			t.Errorf("%s: exit %d, %v, stderr %q, stdout %s", args[0], code, err, stderr, stdout)
		}
	}
}

// What is written can be read as the engine reads it, is nobody else's, and shows nothing but the
// public key.
func TestKeysSigning(t *testing.T) {
	dir := t.TempDir()
	first, next := filepath.Join(dir, "first"), filepath.Join(dir, "next")
	gen := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := qn(append([]string{"keys", "signing", "gen"}, args...)...)
		if code != exit.OK || stderr != "" {
			t.Fatal(code, stderr)
		}
		return strings.TrimSpace(stdout)
	}
	shown := gen("--out", first)
	key, former, err := engine.ReadSigningKeyFile(first)
	if err != nil || former != nil || shown != publicText(key) {
		t.Errorf("%v, %q", err, shown)
	}
	if code, public, stderr := qn("keys", "signing", "public", first); code != exit.OK || public != shown+"\n" {
		t.Error(code, public, stderr)
	}
	gen("--former", first, "--out", next)
	if k, f, err := engine.ReadSigningKeyFile(next); err != nil || k.Equal(key) || !f.Equal(key) {
		t.Errorf("%v, the former one is the first: %v", err, f.Equal(key))
	}
	var made signingKeys
	if err := json.Unmarshal([]byte(gen("-o", "json", "--former", first)), &made); err != nil || made.Former != engine.SigningKeyText(key) || len(made.Private) != 64 {
		t.Error(err)
	}
	for _, args := range [][]string{{"gen", "--out", first}, {"gen", "--former", dir + "/none"}, {"public", dir + "/none"}, {"public"}} {
		if code, stdout, stderr := qn(append([]string{"keys", "signing"}, args...)...); code != exit.Usage || stdout != "" || strings.Contains(stderr, "engine:") {
			t.Errorf("%v: exit %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

// Keys are printed as people write them, and never as what they would do to a terminal or to a
// table.
func TestKeysAreTame(t *testing.T) {
	f := func(member, key, want string) {
		t.Helper()
		if got := named(member, key); got != want {
			t.Errorf("%q of %q is shown as %s, not %s", key, member, got, want)
		}
	}
	f("", "color", "color")
	f("web-1", `a "b" \c`, `web-1/a "b" \c`)
	f("", "größe", "größe")
	f("web-1", "a\x1b[2J", `web-1/"a\x1b[2J"`)
	f("web-1", "a\tb\n", `web-1/"a\tb\n"`)
	f("web-1", "\xff", `web-1/"\xff"`)
}

// A value that an agent would not take is refused, and not cut.
func TestLongInputIsRefused(t *testing.T) {
	root := newRoot()
	root.SetArgs([]string{"kv", "set", "a", "-", "--agent", "127.0.0.1:1"})
	root.SetIn(bytes.NewReader(make([]byte, api.BodyBytesMax+1)))
	root.SetOut(io.Discard)
	if err := root.Execute(); exit.Code(err) != exit.Usage {
		t.Errorf("%v", err)
	}
}

// Each shell gets a script, and a shell that asks gets commands, flags and their values.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, stderr := qn("completion", shell); code != exit.OK || stderr != "" || !strings.Contains(stdout, "__complete") {
			t.Errorf("%s: exit %d, %q, %d bytes", shell, code, stderr, len(stdout))
		}
	}
	f := func(line, want string) {
		t.Helper()
		if code, stdout, _ := qn(append([]string{"__complete"}, strings.Split(line, " ")...)...); code != exit.OK || !strings.Contains(stdout, want) {
			t.Errorf("%q: exit %d, %q", line, code, stdout)
		}
	}
	f("mem", "members")
	f("members -o ", "ndjson")
	f("members --state d", "dead")
	f("completion ", "zsh")
	f("kv get --agent 127.0.0.1:1 c", ":4\n") // nothing, and no file, where no agent answers
}
