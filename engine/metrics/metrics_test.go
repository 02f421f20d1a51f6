package metrics_test

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/metrics"
)

func start(t testing.TB, name string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Config{Name: name, Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestWriteMetrics(t *testing.T) {
	a, b := start(t, `a "b\c`), start(t, "b")
	if _, err := a.Set("k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	a.Stats() // the write is through
	var text bytes.Buffer
	for !strings.Contains(text.String(), `quidnunc_writes_total{member="a \"b\\c"} 1`+"\n") { // within 50 ms
		if t.Context().Err() != nil {
			t.Fatal(text.String())
		}
		text.Reset()
		if err := metrics.WriteMetrics(&text, a, b); err != nil {
			t.Fatal(err)
		}
	}
	checkText(t, text.String())
	for _, want := range []string{
		`quidnunc_members{member="b",state="alive"} 1`, `quidnunc_drops_total{member="b",reason="auth"} 0`,
		`quidnunc_write_rate_bytes_per_second{member="b",rate="allowed"} +Inf`, `quidnunc_send_errors_total{member="b",kind=`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("there is no %s", want)
		}
	}
}

var sample = regexp.MustCompile(`^([a-z_]+)\{member="((?:[^"\\\n]|\\["\\n])*)"(?:,([a-z]+)="([a-z_-]+)")?\} (\S+)$`)

// checkText holds a scrape against the text format: one HELP and one TYPE before each family,
// families in one piece, no sample twice, numbers that can be read, counters that end in _total,
// base units.
func checkText(t *testing.T, text string) {
	t.Helper()
	descs := map[string]metrics.Desc{}
	for _, d := range metrics.Descs() {
		descs[d.Name] = d
	}
	done, seen, current := map[string]bool{}, map[string]bool{}, ""
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "# HELP "); ok {
			current, _, _ = strings.Cut(name, " ")
			if done[current] || descs[current].Name == "" {
				t.Errorf("HELP of %s twice, or of an unknown name", current)
			}
			done[current] = true
			continue
		}
		if kind, ok := strings.CutPrefix(line, "# TYPE "+current+" "); ok {
			if string(descs[current].Kind) != kind || (kind == "counter") != strings.HasSuffix(current, "_total") {
				t.Errorf("%s is a %s", current, kind)
			}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[1] != current || m[3] != descs[current].Label {
			t.Errorf("%q does not belong here", line)
			continue
		}
		if _, err := strconv.ParseFloat(m[5], 64); err != nil || seen[m[1]+m[2]+m[4]] {
			t.Errorf("%q: %v, or twice", line, err)
		}
		seen[m[1]+m[2]+m[4]] = true
	}
	if len(done) != len(descs) {
		t.Errorf("%d families of %d", len(done), len(descs))
	}
}

// The list in the documentation is the list that is written.
func TestDocumentationListsAllMetrics(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`(?m)^//\t(quidnunc_[a-z_]+)(?:\{([a-z]+)\})? +(counter|gauge) +(.*)$`).FindAllStringSubmatch(string(doc), -1)
	descs := metrics.Descs()
	if len(listed) != len(descs) {
		t.Errorf("%d are listed, %d written", len(listed), len(descs))
	}
	for i := range min(len(listed), len(descs)) {
		if d := descs[i]; listed[i][1] != d.Name || listed[i][2] != d.Label || listed[i][3] != string(d.Kind) || listed[i][4] != d.Help {
			t.Errorf("listed %q, written %+v", listed[i][0], d)
		}
	}
}

func TestNamesHaveBaseUnits(t *testing.T) {
	for _, d := range metrics.Descs() {
		for part := range strings.SplitSeq(d.Name, "_") {
			switch part {
			case "s", "ms", "us", "m", "h", "b", "kb", "milliseconds", "count", "sum", "bucket", "counter", "gauge":
				t.Errorf("%s: %q", d.Name, part)
			}
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestTheWritersErrorIsReturned(t *testing.T) {
	if err := metrics.WriteMetrics(broken{}, start(t, "a")); err == nil || err.Error() != "gone" {
		t.Error(err)
	}
}

// Neither metrics nor the engine brings an HTTP server, a decoder or a module into the programs
// that embed them.
func TestEmbeddersCompileLittle(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		pkg := strings.TrimSpace(line)
		switch first, _, _ := strings.Cut(pkg, "/"); {
		case pkg == "net/http" || pkg == "expvar" || pkg == "encoding/gob":
			t.Errorf("compiles %s", pkg)
		case strings.Contains(first, ".") && !strings.HasPrefix(pkg, "github.com/quidnunc/quidnunc/") &&
			!strings.HasPrefix(pkg, "golang.org/x/sys/") && pkg != "github.com/dgryski/go-farm":
			t.Errorf("compiles %s", pkg)
		}
	}
}

func BenchmarkWriteMetrics(b *testing.B) {
	e := start(b, "a")
	var text bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		text.Reset()
		if err := metrics.WriteMetrics(&text, e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(text.Len()), "B/scrape")
}
