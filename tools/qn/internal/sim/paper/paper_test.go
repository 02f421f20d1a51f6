package paper

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/fuzz/epidemic"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "paper", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Commands()...)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func files(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		if s, err := os.Stat(filepath.Join(dir, n)); err != nil || s.Size() == 0 {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func TestDemersFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	text, err := run(t, "demers", "--nodes", "200", "--k", "2", "--runs", "20", "--rare", "0", "--out", dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range epidemic.Variants() {
		if !strings.Contains(text, v.Name) {
			t.Errorf("no table of %s", v.Name)
		}
	}
	files(t, dir, "demers.csv", "demers-residue.png", "demers-residue.svg", "demers-delay.png", "demers-delay.svg")
	raw, err := os.ReadFile(filepath.Join(dir, "demers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		N        int
		Variants []struct {
			Name string
			Rows []map[string]any
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil || got.N != 200 || len(got.Variants) != len(epidemic.Variants()) {
		t.Fatalf("%v: %+v", err, got)
	}
	for _, field := range []string{"k", "runs", "residue", "traffic", "t_ave", "t_last"} {
		if _, ok := got.Variants[0].Rows[0][field]; !ok {
			t.Errorf("no %s in demers.json", field)
		}
	}
}

func TestRoundsFiles(t *testing.T) {
	dir := t.TempDir()
	text, err := run(t, "rounds", "--max", "64", "--median-max", "512", "--median-runs", "2", "--runs", "50", "--out", dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "push-pull: log3 n + log2 ln n") || !strings.Contains(text, "per ln ln n") {
		t.Error(text)
	}
	files(t, dir, "rounds.json", "rounds.csv", "median.csv", "rounds.png", "rounds.svg", "median.png", "median.svg")
}

func TestJSONOutput(t *testing.T) {
	text, err := run(t, "rounds", "--max", "16", "--median-max", "256", "--median-runs", "1", "--runs", "20", "-o", "json")
	var r epidemic.Rounds
	if err != nil || json.Unmarshal([]byte(text), &r) != nil || len(r.Curves) != 3 {
		t.Errorf("%v: %s", err, text)
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{
		{"demers", "-o", "xml"},
		{"demers", "--runs", "0"},
		{"demers", "--k", "255"},
		{"demers", "--nodes", "1"},
		{"rounds", "--max", "3"},
		{"rounds", "--median-runs", "0"},
		{"rounds", "more"},
	} {
		if _, err := run(t, args...); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestOffIsSaid(t *testing.T) {
	r := epidemic.Report{Variants: []epidemic.Variant{{Name: "v", Rows: []epidemic.Row{{K: 2, Off: "residue 1"}}}}}
	if err := off(r); exit.Code(err) != exit.No || !strings.Contains(err.Error(), "v, k=2: residue 1") {
		t.Error(err)
	}
}
