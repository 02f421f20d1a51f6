package demo

import (
	"context"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

func start(t *testing.T, nodes int) *Demo {
	t.Helper()
	d, err := Start(t.Context(), Options{Nodes: nodes, Seed: 1, Rate: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestTheTourPasses(t *testing.T) {
	r, err := start(t, 6).Tour(t.Context(), 2*time.Second, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Passed() || r.VisibleAllUs <= 0 || r.DetectMs < 100 || r.Writes < 100 {
		t.Errorf("%+v", r)
	}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil || !strings.Contains(b.String(), "passed") {
		t.Error(err, b.String())
	}
}

func TestPassedIsStrict(t *testing.T) {
	good := Report{Converged: true}
	if !good.Passed() {
		t.Error("a good tour failed")
	}
	for _, bad := range []Report{{}, {Converged: true, LostUpdates: 1}, {Converged: true, FalseDeaths: 1}, {Converged: true, HealMs: -1}, {Converged: true, DetectMs: -1}} {
		if bad.Passed() {
			t.Errorf("%+v passed", bad)
		}
	}
}

// What the page is shown is what was done.
func TestPicturesShowWhatWasDone(t *testing.T) {
	d := start(t, 4)
	see := func(what string, so func(p *Picture, knows, believes []byte) bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if !d.cluster.until(ctx, func() bool {
			p := d.Look(0, 0)
			knows, _ := base64.StdEncoding.DecodeString(p.Behind)
			believes, _ := base64.StdEncoding.DecodeString(p.Seen)
			return len(knows) == 16 && len(believes) == 16 && so(p, knows, believes)
		}) {
			t.Errorf("%s is not shown", what)
		}
	}
	see("who passed a write on", func(p *Picture, _, _ []byte) bool {
		return slices.ContainsFunc(p.Spreads, func(s Spread) bool {
			hops := 0
			for i, by := range s.Via {
				if by >= 0 && int(by) != i && i != s.Owner {
					hops++
				}
			}
			return hops == 3 && s.Via[s.Owner] == -1
		})
	})
	act := func(name string, member int) {
		t.Helper()
		if _, err := d.Act(name, member); err != nil {
			t.Fatal(err)
		}
	}
	alive := func(_ *Picture, _, believes []byte) bool {
		return !slices.ContainsFunc(believes, func(b byte) bool { return b != 1 })
	}
	see("a whole cluster", alive)
	act("partition", -1)
	see("the cut", func(p *Picture, knows, believes []byte) bool {
		return p.Faults.Cut && knows[3] > 0 && believes[3] > 1 && knows[1] < 50
	})
	act("heal", -1)
	see("the heal", alive)
	act("kill", 2)
	see("the kill", func(p *Picture, knows, believes []byte) bool {
		return p.Nodes[2].State == "killed" && believes[2] == 3 && knows[2] == unknownCell
	})
	act("revive", -1)
	see("the revival", alive)
	act("freeze", 1)
	see("the freeze", func(p *Picture, _, believes []byte) bool { return p.Nodes[1].State == "frozen" && believes[1] > 1 })
	act("freeze", -1)
	see("the thaw", alive)
	act("loss", -1)
	see("the loss", func(p *Picture, _, _ []byte) bool { return p.Faults.Loss > 0 && p.Lost > 0 })
	if _, err := d.Act("kil", -1); exit.Code(err) != exit.Usage || !strings.Contains(err.Error(), `"kill"`) {
		t.Error(err)
	}
	if _, err := d.Act("kill", 4); exit.Code(err) != exit.Usage {
		t.Error(err)
	}
}

func TestThePageIsSmallAndOnItsOwn(t *testing.T) {
	total := 0
	err := fs.WalkDir(page, "page", func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		b, err := page.ReadFile(path)
		total += len(b)
		if m := regexp.MustCompile(`(https?:)?//[a-z0-9.-]+\.[a-z]{2,}`).FindString(string(b)); m != "" {
			t.Errorf("%s brings something from outside: %s", path, m)
		}
		return err
	})
	if err != nil || total > 150<<10 {
		t.Errorf("%d bytes, %v", total, err)
	}
}

func TestOthersCannotPressTheButtons(t *testing.T) {
	h := start(t, 3).Handler()
	f := func(method, path, host, origin string, want int) {
		t.Helper()
		r := httptest.NewRequest(method, "http://"+host+path, nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			b, _ := io.ReadAll(w.Body)
			t.Errorf("%s %s%s from %q: %d, %s; want %d", method, host, path, origin, w.Code, b, want)
		}
	}
	f("GET", "/", "127.0.0.1:7900", "", http.StatusOK)
	f("GET", "/app.js", "localhost:7900", "", http.StatusOK)
	f("POST", "/act/write", "127.0.0.1:7900", "", http.StatusOK)
	f("POST", "/act/write", "127.0.0.1:7900", "http://evil.example", http.StatusForbidden)
	f("POST", "/act/write", "evil.example", "", http.StatusForbidden)
	f("GET", "/", "evil.example", "", http.StatusForbidden)
	f("GET", "/app.js", "127.0.0.1:7900", "http://evil.example", http.StatusForbidden)
	f("POST", "/act/nosuch", "127.0.0.1:7900", "", http.StatusBadRequest)
	f("GET", "/act/write", "127.0.0.1:7900", "", http.StatusNotFound)
}

// A member that is killed is nobody's reason to wait; one that lacks a version is.
func TestLevel(t *testing.T) {
	for behind, want := range map[string]bool{"": true, "\x00\xff\xff\x00": true, "\x00\x01\xff\x00": false, "\x00\xfe": false} {
		if got := level([]byte(behind)); got != want {
			t.Errorf("%q: %v", behind, got)
		}
	}
}
