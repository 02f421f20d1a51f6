package agent

import (
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
)

// Whatever a key is called, it comes to the agent as it was written: /a/b is the shared key a/b,
// ./a/b an own one, and no part of a name is tidied away on the way.
func TestNamesComeAsTheyWereWritten(t *testing.T) {
	a := start(t, "web-1")
	c := a.client(t)
	f := func(name, member, key string) {
		t.Helper()
		var e api.Entry
		if err := c.Do(t.Context(), "PUT", api.Path("v1", "kv", name), []byte(name), nil); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if err := c.Get(t.Context(), api.Path("v1", "kv", name), &e); err != nil || e.Value != name || e.Member != member || e.Key != key {
			t.Errorf("%q: %+v, %v", name, e, err)
		}
		var tr api.Trace
		if err := c.Get(t.Context(), api.Path("v1", "trace", name), &tr); err != nil || tr.Member != member || tr.Key != key || tr.Writer != "web-1" {
			t.Errorf("trace %q: %+v, %v", name, tr, err)
		}
	}
	f("color", "", "color")
	f("/a/b", "", "a/b")
	f("/a//b/", "", "a//b/")
	f("./a/../b", "web-1", "a/../b")
	f("web-1/x/", "web-1", "x/")
	f(".", "", ".")
	f("..", "", "..")
	f("a?b#c%2F d", "", "a?b#c%2F d")
	f("größe\n", "", "größe\n")
	if err := c.Do(t.Context(), "PUT", api.Path("v1", "kv", "large"), make([]byte, 2000), nil); err == nil || !strings.Contains(err.Error(), "write ./large") {
		t.Errorf("a large value of a shared key: %v", err)
	}
	var y api.Why
	if err := c.Get(t.Context(), api.Path("v1", "why", "web-1"), &y); err != nil || y.State != "alive" || !strings.Contains(y.Text, "the agent that was asked") {
		t.Errorf("why of itself: %+v, %v", y, err)
	}
}

// The status of an agent that keeps its keys says whether its disk does.
func TestStatusTellsOfTheDisk(t *testing.T) {
	disk := func(a *Agent) (text string) {
		var st api.Status
		if err := a.client(t).Get(t.Context(), "/v1/status", &st); err != nil {
			t.Fatal(err)
		}
		for _, c := range st.Checks {
			if c.Name == "disk" {
				text = c.Status + " " + c.Detail
			}
		}
		return text
	}
	dir := t.TempDir()
	if text := disk(start(t, "web-1", "--data", dir)); !strings.HasPrefix(text, api.OK) || !strings.Contains(text, dir) {
		t.Errorf("%q", text)
	}
	if text := disk(start(t, "web-2")); text != "" {
		t.Errorf("without a disk: %q", text)
	}
}
