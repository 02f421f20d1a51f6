package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// listening is a server over an engine of its own, and its URL.
func listening(t *testing.T, token string) (s *Server, url string) {
	t.Helper()
	cfg := engine.Local()
	cfg.Name = "web-1"
	eng, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s = New(Options{Space: space.New(ctx, eng), Token: token})
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); cancel(); eng.Close() })
	return s, "http://" + addr.String()
}

// follower is a client of events as a browser is one: it keeps the last id, and what it was told.
type follower struct {
	id   string
	keys map[string]string
}

// follow reads from a URL until so many events came, or all is known.
func (f *follower) follow(t *testing.T, url string, events int, want map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	if f.id != "" {
		req.Header.Set("Last-Event-ID", f.id)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	event, id, data := "", f.id, ""
	for n := 0; n != events && (want == nil || !maps.Equal(f.keys, want)); {
		if !lines.Scan() {
			t.Fatalf("%v, with %q after %d events: %v", lines.Err(), f.id, n, f.keys)
		}
		switch field, text, _ := strings.Cut(lines.Text(), ": "); field {
		case "event":
			event = text
		case "id":
			id = text
		case "data":
			data = text
		case "":
			if f.id = id; data != "" {
				f.take(t, event, data)
				n++
			}
			event, data = "", ""
		}
	}
}

func (f *follower) take(t *testing.T, event, data string) {
	var e api.Entry
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		t.Fatal(err)
	}
	switch {
	case event == "resync":
		clear(f.keys)
	case e.Deleted:
		delete(f.keys, e.Key)
	case event == "entry" || event == "change":
		f.keys[e.Key] = e.Value
	}
}

// A watch may be cut off anywhere, in its snapshot too: who comes back with the last id has all
// keys in the end, and none that is gone.
func TestCutWatchMissesNothing(t *testing.T) {
	s, base := listening(t, "")
	const keys = 6
	set := func(key, value string) {
		t.Helper()
		if _, err := s.opt.Space.Set("./"+key, []byte(value), space.Put{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/v1/watch?snapshot", "/v1/watch"} {
		for cut := range keys + 2 {
			for i := range keys { // all are there, and two of them change while nobody listens
				set(fmt.Sprint("k", i), "old")
			}
			if err := s.opt.Space.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			f := &follower{keys: map[string]string{}}
			if path == "/v1/watch" {
				f.keys = map[string]string{"k0": "old", "k1": "old", "k2": "old", "k3": "old", "k4": "old", "k5": "old"}
				f.idOnly(t, base+path)
			} else {
				f.follow(t, base+path, cut, nil)
			}
			set("k1", "new")
			if _, _, err := s.opt.Space.Delete("./k2"); err != nil {
				t.Fatal(err)
			}
			f.follow(t, base+path, -1, map[string]string{"k0": "old", "k1": "new", "k3": "old", "k4": "old", "k5": "old"})
		}
	}
}

// idOnly reads up to the first id, which comes before any event.
func (f *follower) idOnly(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	line, err := bufio.NewReader(answer.Body).ReadString('\n')
	if id, ok := strings.CutPrefix(strings.TrimSpace(line), "id: "); ok && err == nil {
		f.id = id
		return
	}
	t.Fatalf("%q, %v", line, err)
}
