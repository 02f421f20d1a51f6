package sim

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what happens into the scenarios")

func TestScenarios(t *testing.T) {
	for _, name := range Scenarios() {
		t.Run(name, func(t *testing.T) {
			text, err := Scenario(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := RunScript(text)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile("scenarios/"+name+".txt", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != text {
				t.Errorf("what happens has changed; look at it, and if it is right: go test ./fuzz/sim -run Scenarios -update\n%s", firstDifference(text, got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "was: " + a[i] + "\nis:  " + b[i]
		}
	}
	return "one is longer"
}

func TestScriptErrorsSayWhatWorks(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := RunScript(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	f("a joins b", "nodes a b")
	f("nodes a b\nc joins a", "there are: a b")
	f("nodes a b\na jons b", "joins NODE")
	f("nodes a b speed=1", "interval")
	f("nodes a b\nrun", "run 50ms")
	f("nodes a b\nrun until equal 10ms", "not equal")
	f("nodes a b\ncut a", "cut a b | c")
	f("nodes a b\nstart a", "already")
	if _, err := Scenario("nothing"); err == nil || !strings.Contains(err.Error(), "two-nodes-meet") {
		t.Error(err)
	}
}
