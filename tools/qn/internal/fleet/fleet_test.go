package fleet

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// TestMain is the node, too: the test's binary starts itself.
func TestMain(m *testing.M) {
	if os.Getenv("QN_FLEET_NODE") == "" {
		os.Exit(m.Run())
	}
	var o NodeOptions
	fs := flag.NewFlagSet("node", flag.ExitOnError)
	fs.StringVar(&o.Name, "name", "", "")
	fs.StringVar(&o.Cluster, "cluster", "", "")
	fs.StringVar(&o.Bind, "bind", "", "")
	fs.StringVar(&o.Profile, "profile", "", "")
	fs.Var(&o.Loss, "loss", "")
	fs.Uint64Var(&o.Seed, "seed", 0, "")
	fs.Parse(os.Args[1:])
	if err := Node(context.Background(), o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func testCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "QN_FLEET_NODE=1")
	return cmd
}

func TestKilledProcessIsFoundDead(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	o := Options{Nodes: 6, Profile: "lan", Loss: 0.05, Seed: uint64(os.Getpid()), Command: testCommand, Stderr: os.Stderr}
	k, err := Kills(t.Context(), o, 2, 2, 200*time.Millisecond, &term.Progress{})
	if err != nil {
		t.Fatal(err)
	}
	if k.Kills != 2 || len(k.DetectAllMs) != 2 || len(k.BackMs) != 2 || k.Pauses != 2 {
		t.Errorf("%+v", k)
	}
	if k.Missed != 0 || k.PausedDead != 0 { // machines that run tests may be too busy for more
		t.Errorf("%+v", k)
	}
	var table bytes.Buffer
	if err := k.WriteTable(&table); err != nil || !strings.Contains(table.String(), "all know") {
		t.Errorf("%v\n%s", err, table.String())
	}
	t.Logf("\n%s", table.String())
}

func TestNamespaceSaysWhatIsMissing(t *testing.T) {
	n, err := NewNamespace(0.1)
	if err != nil {
		t.Skip("no namespace here: ", err)
	}
	defer n.Close()
	o := Options{Nodes: 4, Profile: "lan", Seed: 3, Stderr: os.Stderr, Command: func(args ...string) *exec.Cmd {
		in := n.Command()
		cmd := exec.Command(in.Args[0], append(in.Args[1:4:4], append([]string{os.Args[0]}, args...)...)...)
		cmd.Env = append(os.Environ(), "QN_FLEET_NODE=1")
		return cmd
	}}
	k, err := Kills(t.Context(), o, 1, 1, 200*time.Millisecond, &term.Progress{})
	if err != nil || !k.Passed() {
		t.Errorf("%+v %v", k, err)
	}
}
