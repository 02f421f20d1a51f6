package layers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wayMost is how many packages a datagram passes at most, and a write.
const wayMost = 7

var wayLine = regexp.MustCompile(`(?m)^//\t(in|out): (.*)$`)

// breaks says what is wrong with a way that the page of engine/core lists. Each
// package of it hands what it has to the next, or, where it is a leaf, back to the one
// package that imports both: so each, but one, is imported by another of the list.
func breaks(way []string) (list []string) {
	if len(way) < 2 || len(way) > wayMost {
		list = append(list, fmt.Sprintf("%d packages, at most %d", len(way), wayMost))
	}
	roots := 0
	for i, p := range way {
		if _, ok := rules[p]; !ok {
			list = append(list, fmt.Sprintf("%s: no such package", p))
			continue
		}
		if slices.Contains(way[:i], p) {
			list = append(list, fmt.Sprintf("%s: twice", p))
		}
		if !slices.ContainsFunc(way, func(by string) bool { return by != p && slices.Contains(rules[by].project, p) }) {
			roots++
		}
	}
	if roots != 1 {
		list = append(list, fmt.Sprintf("%d packages that no other of them imports, want the engine alone", roots))
	}
	return list
}

// TestWays: the page of engine/core lists the packages that a datagram passes, and a
// write; they are few, and they are joined by imports (TestPermissionsAreUsed holds
// that the rules say what is imported).
func TestWays(t *testing.T) {
	root, _ := moduleRoot(t)
	page, err := os.ReadFile(filepath.Join(root, houseDir, "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	ways := wayLine.FindAllStringSubmatch(string(page), -1)
	if len(ways) != 2 {
		t.Fatalf("the page lists %d ways, want in and out", len(ways))
	}
	for _, way := range ways {
		for _, b := range breaks(strings.Fields(way[2])) {
			t.Errorf("%s: %s", way[1], b)
		}
	}
}

// TestPlantedWays: each way to break it is found.
func TestPlantedWays(t *testing.T) {
	f := func(way, want string) {
		t.Helper()
		if got := strings.Join(breaks(strings.Fields(way)), "; "); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", way, got, want)
		}
	}
	f("batch/linux engine engine/core engine/flow", "")
	f("batch/linux engine engine/core engine/flow engine/flow", "twice")
	f("batch/linux engine engine/core engine/nothing", "no such package")
	f("batch/linux engine/core engine/flow", "2 packages that no other")
	f("batch/linux engine engine/core engine/flow engine/mail engine/link engine/protect engine/door", "8 packages")
}
