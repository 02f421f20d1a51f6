package paper

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

func TestScuttlebuttFiles(t *testing.T) {
	dir := t.TempDir()
	text, err := run(t, "scuttlebutt", "--nodes", "8", "--mtu", "6", "--keys", "16", "--runs", "2", "--out", dir)
	if err != nil && exit.Code(err) != exit.No { // so few participants need not have the shape
		t.Fatal(err)
	}
	for _, name := range []string{"precise-newest", "scuttle-depth", "fresh after", "median over 2 runs"} {
		if !strings.Contains(text, name) {
			t.Errorf("no %s in\n%s", name, text)
		}
	}
	if strings.Contains(text, "(") {
		t.Errorf("the paper's figures of 128 participants stand beside those of 8:\n%s", text)
	}
	files(t, dir, "summary.json", "staleness.csv", "stale.csv", "staleness.png", "staleness.svg", "stale.png", "stale.svg")
	raw, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Peaks map[string]float64 `json:"peak_staleness_s"`
	}
	if err := json.Unmarshal(raw, &got); err != nil || len(got.Peaks) != 6 || got.Peaks["scuttle-depth"] == 0 {
		t.Errorf("%v: %s", err, raw)
	}
	file, err := os.Open(filepath.Join(dir, "stale.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) != 146 || len(rows[0]) != 1+3*6 || rows[145][0] != "145" {
		t.Errorf("%v: %d rows", err, len(rows))
	}
}

func TestScuttlebuttBadFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--nodes", "2"}, {"--mtu", "0"}, {"--keys", "101"}, {"--orders", "scuttle-width"}, {"--partners", "evenly"}, {"--runs", "0"}, {"-o", "xml"}, {"more"},
	} {
		if _, err := run(t, append([]string{"scuttlebutt"}, args...)...); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
