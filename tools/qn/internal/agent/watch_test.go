package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
)

// Many watch, some of them without reading: all others see the newest value of every key, and
// nobody holds the writer up.
func TestManyWatchNobodyMissesTheNewest(t *testing.T) {
	const watchers, sleepers, keys, rounds = 300, 20, 20, 50
	a := start(t, "web-1")
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	open := func() *bufio.Scanner {
		req, err := http.NewRequestWithContext(ctx, "GET", a.url("/v1/watch?snapshot"), nil)
		if err != nil {
			t.Error(err)
			return nil
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Error(err)
			return nil
		}
		return bufio.NewScanner(resp.Body)
	}
	for range sleepers {
		open()
	}
	var all, ready sync.WaitGroup
	last := fmt.Sprint(rounds - 1)
	for range watchers {
		ready.Add(1)
		all.Go(func() {
			lines := open()
			ready.Done()
			seen := map[string]bool{}
			for lines != nil && len(seen) < keys && lines.Scan() {
				var e api.Entry
				if len(lines.Bytes()) > 0 && json.Unmarshal(lines.Bytes(), &e) == nil && e.Value == last {
					seen[e.Key] = true
				}
			}
			if len(seen) < keys {
				t.Errorf("a watcher saw the end of %d keys of %d", len(seen), keys)
			}
		})
	}
	ready.Wait()
	began := time.Now()
	for round := range rounds {
		for k := range keys {
			if _, err := a.eng.Set(fmt.Sprint("k", k), []byte(fmt.Sprint(round))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%d writes took %v", rounds*keys, took)
	}
	all.Wait()
	cancel()
}
