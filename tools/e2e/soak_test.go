package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	soakKeys = 200
	// soakPut is how long a write may take while all those watch: they are ten thousand on two
	// processors, which share them with who watches; a writer that waited for watchers would wait
	// for the slowest.
	soakPut = 5 * time.Second
)

// soakReader follows the agent's changes as server-sent events until it has seen each key. It is a
// bare connection, so that ten thousand of them fit into one process.
func soakReader(addr string, opened func()) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		opened()
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(4 * time.Minute))
	fmt.Fprintf(c, "GET /v1/watch?prefix=soak- HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
	r := bufio.NewReaderSize(c, 1024)
	answer, err := http.ReadResponse(r, nil)
	opened()
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", answer.Status)
	}
	lines := bufio.NewReaderSize(answer.Body, 512)
	var got [soakKeys]bool
	for n := 0; n < soakKeys; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("%w after %d keys of %d", err, n, soakKeys)
		}
		if strings.Contains(line, `"resync":true`) {
			return fmt.Errorf("changes were missed after %d keys of %d", n, soakKeys)
		}
		_, rest, found := strings.Cut(line, `"key":"soak-`)
		if !found {
			continue
		}
		text, _, _ := strings.Cut(rest, `"`)
		key, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		if !got[key] {
			got[key] = true
			n++
		}
	}
	return nil
}

// Many watch one agent, which is a process of its own: each of them sees every key, and the writer
// is not held up. There are 1,000 of them, or as many as QN_WATCHERS says.
func TestWatchersLoseNothing(t *testing.T) {
	watchers := 1000
	if text := os.Getenv("QN_WATCHERS"); text != "" {
		var err error
		if watchers, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	a := startAgent(t, "web-1")
	var opened, all sync.WaitGroup
	opened.Add(watchers)
	some := make(chan struct{}, 64) // that connect at a time
	for i := range watchers {
		some <- struct{}{}
		all.Go(func() {
			if err := soakReader(a.http, func() { opened.Done(); <-some }); err != nil {
				t.Errorf("watcher %d: %v", i, err)
			}
		})
	}
	opened.Wait()
	began := time.Now()
	var puts []time.Duration
	for i := range soakKeys {
		at := time.Now()
		put, err := http.NewRequest("PUT", fmt.Sprintf("http://%s/v1/kv/soak-%d", a.http, i), strings.NewReader("v"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(put)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(err)
		}
		answer.Body.Close()
		puts = append(puts, time.Since(at))
	}
	wrote := time.Since(began)
	all.Wait()
	slices.Sort(puts)
	t.Logf("%d watchers saw %d keys each; %d writes took %v (one %v, p99 %v, the longest %v), all was seen after %v",
		watchers, soakKeys, soakKeys, wrote, puts[soakKeys/2], puts[soakKeys*99/100], puts[soakKeys-1], time.Since(began))
	if slowest := puts[soakKeys-1]; slowest > soakPut {
		t.Errorf("a write took %v", slowest)
	}
}
