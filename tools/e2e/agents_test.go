package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// agent is one as a process, with the addresses from its banner.
type agent struct {
	*process
	program
	udp, http, resp string
}

func startAgent(t *testing.T, name string, join ...string) *agent {
	t.Helper()
	return startAgentWith(t, name, nil, join...)
}

// startAgentWith is startAgent with more flags.
func startAgentWith(t *testing.T, name string, more []string, join ...string) *agent {
	t.Helper()
	return qn.agent(t, name, more, join...)
}

func (x program) agent(t *testing.T, name string, more []string, join ...string) *agent {
	t.Helper()
	args := append([]string{"agent"}, more...)
	args = append(args, "--name", name, "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--resp", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--leave-timeout", "300ms")
	for _, j := range join {
		args = append(args, "--join", j)
	}
	p := x.start(t, args...)
	return &agent{p, x, p.find(t, `(?m)^udp +(\S+),`), p.find(t, `(?m)^http +(\S+)`), p.find(t, `(?m)^resp +(\S+)`)}
}

// ask asks an agent by a command and decodes what it prints.
func (a *agent) ask(t *testing.T, v any, args ...string) {
	t.Helper()
	out, code := a.run(t, append(args, "--agent", a.http, "-o", "json")...)
	if code != 0 {
		t.Fatalf("qn %v: exit %d, %s", args, code, out)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatalf("qn %v: %v, %s", args, err, out)
	}
}

// states waits until an agent sees others in some states.
func (a *agent) states(t *testing.T, want map[string]string) {
	t.Helper()
	var got []struct{ Name, State string }
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		a.ask(t, &got, "members")
		right := 0
		for _, m := range got {
			if want[m.Name] == m.State {
				right++
			}
		}
		if right == len(want) {
			return
		}
	}
	t.Fatalf("%+v, want %v", got, want)
}

// A member is killed while a client of Redis writes through another: what it wrote is still read
// everywhere, and the commands tell the story.
func TestAKilledMemberIsStillRead(t *testing.T) {
	a := startAgent(t, "web-1")
	b, c := startAgent(t, "web-2", a.udp), startAgent(t, "web-3", a.udp)
	a.states(t, map[string]string{"web-1": "alive", "web-2": "alive", "web-3": "alive"})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ra, rc := client(t, a), client(t, c)
	for _, name := range []string{"color", "web-3/color"} { // shared, and of the member
		if err := rc.Set(ctx, name, "green", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := rc.Do(ctx, "WAIT", 2, 5000).Int(); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	c.Process.Signal(syscall.SIGKILL)
	for i := range 200 {
		if err := ra.Set(ctx, fmt.Sprint("k", i), "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	a.states(t, map[string]string{"web-3": "dead", "web-2": "alive"})
	for _, x := range []*agent{a, b} {
		for _, name := range []string{"color", "web-3/color"} {
			if out, code := run(t, "kv", "get", name, "--agent", x.http); out != "green\n" || code != 0 {
				t.Errorf("%s: %q, exit %d", name, out, code)
			}
		}
	}
	var why struct{ State, Text string }
	if b.ask(t, &why, "why", "web-3"); why.State != "dead" || why.Text == "" {
		t.Errorf("%+v", why)
	}
	var trace struct {
		Learned         []struct{ Member, Version string }
		Version, Writer string
	}
	if a.ask(t, &trace, "trace", "k199"); len(trace.Learned) != 2 || trace.Learned[0].Version != trace.Version || trace.Learned[1].Version != trace.Version || trace.Writer != "web-1" {
		t.Errorf("%+v", trace)
	}
	var lag []struct {
		Member string
		Behind int
	}
	if a.ask(t, &lag, "lag"); len(lag) != 3 {
		t.Errorf("%+v", lag)
	}
	if out, code := run(t, "status", "--agent", a.http); !strings.Contains(out, "1 dead") {
		t.Errorf("exit %d, %s", code, out)
	}
	b.Process.Signal(syscall.SIGTERM)
	a.states(t, map[string]string{"web-2": "left"})
}

func client(t *testing.T, a *agent) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: a.resp})
	t.Cleanup(func() { c.Close() })
	return c
}

// A client library works as it is: both protocols, pipelines, lifetimes, scans, and messages.
func TestGoRedis(t *testing.T) {
	a := startAgent(t, "web-1")
	b := startAgent(t, "web-2", a.udp)
	a.states(t, map[string]string{"web-1": "alive", "web-2": "alive"})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, protocol := range []int{2, 3} {
		c := redis.NewClient(&redis.Options{Addr: a.resp, Protocol: protocol})
		defer c.Close()
		other := redis.NewClient(&redis.Options{Addr: b.resp, Protocol: protocol})
		defer other.Close()
		sub := other.Subscribe(ctx, "news")
		defer sub.Close()
		if _, err := sub.Receive(ctx); err != nil {
			t.Fatal(err)
		}
		check := func(what string, got, want any, err error) {
			t.Helper()
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("RESP%d %s: %v, %v; want %v", protocol, what, got, err, want)
			}
		}
		s, err := c.Set(ctx, "k", "v", time.Minute).Result()
		check("SET", s, "OK", err)
		s, err = c.Get(ctx, "k").Result()
		check("GET", s, "v", err)
		d, err := c.TTL(ctx, "k").Result()
		check("TTL", d, time.Minute, err)
		if err := c.Get(ctx, "nothing").Err(); err != redis.Nil {
			t.Errorf("RESP%d GET of nothing: %v", protocol, err)
		}
		won, err := c.SetNX(ctx, "k", "w", 0).Result()
		check("SETNX", won, false, err)
		c.Del(ctx, "n")
		n, err := c.IncrBy(ctx, "n", 42).Result()
		check("INCRBY", n, 42, err)
		pipe := c.Pipeline()
		for i := range 100 {
			pipe.Set(ctx, fmt.Sprint("p", i), i, 0)
		}
		_, err = pipe.Exec(ctx)
		check("pipeline", "", "", err)
		seen := 0
		for it := c.Scan(ctx, 0, "p*", 7).Iterator(); it.Next(ctx); {
			seen++
		}
		check("SCAN", seen, 100, nil)
		s, err = c.Set(ctx, "web-1/k", "v", 0).Result()
		check("SET of an own key", s, "OK", err)
		n, err = c.Wait(ctx, 1, time.Minute).Result()
		check("WAIT", n, 1, err)
		h, err := other.HGetAll(ctx, "web-1").Result()
		check("HGETALL", h["k"], "v", err)
		if err := other.Set(ctx, "web-1/k", "w", 0).Err(); err == nil || !strings.Contains(err.Error(), "belongs to web-1") {
			t.Errorf("RESP%d write of a foreign key: %v", protocol, err)
		}
		check("PUBLISH", "", "", c.Publish(ctx, "news", "hello").Err())
		m, err := sub.ReceiveMessage(ctx)
		if err == nil {
			check("message", m.Payload, "hello", nil)
		} else {
			t.Error(err)
		}
	}
}

// The tour passes and prints its figures alone.
func TestTheTour(t *testing.T) {
	t.Run("one process", func(t *testing.T) { tourPasses(t, "--nodes", "12") })
	t.Run("a process each", func(t *testing.T) { tourPasses(t, "--processes", "5") })
}

func tourPasses(t *testing.T, args ...string) {
	out, code := run(t, append([]string{"demo", "--headless", "--duration", "10s", "-o", "json"}, args...)...)
	var r map[string]any
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 {
		t.Fatalf("exit %d, %v, %s", code, err, out)
	}
	for _, key := range []string{"nodes", "converged", "visible_all_us", "detect_ms", "heal_ms", "lost_updates", "false_deaths"} {
		if _, ok := r[key]; !ok {
			t.Errorf("there is no %s", key)
		}
	}
}

// onDisk waits until a directory has a file with the text in it.
func onDisk(t *testing.T, dir, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if b, err := os.ReadFile(name); err == nil && bytes.Contains(b, []byte(text)) { // it may be gone by now
				return
			}
		}
	}
	t.Fatalf("%q is in no file of %s", text, dir)
}

// An agent with --data is killed and started anew, with nobody to join: it has its keys, also what
// nobody had heard of, and finds those that it knew. A second one can't use its directory
// meanwhile.
func TestAKilledAgentHasItsKeysAgain(t *testing.T) {
	for _, sync := range []string{"interval", "each"} {
		dir := filepath.Join(t.TempDir(), "data")
		data := []string{"--data", dir, "--sync", sync}
		a := startAgent(t, "web-1")
		b := startAgentWith(t, "web-2", data, a.udp)
		a.states(t, map[string]string{"web-1": "alive", "web-2": "alive"})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		rb := client(t, b)
		for i := range 100 {
			if err := rb.Set(ctx, fmt.Sprint("web-2/k", i), fmt.Sprint("v", i), 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if out, code := run(t, "agent", "--name", "web-2", "--bind", "127.0.0.1:0", "--data", dir); code != 2 {
			t.Errorf("a second one: exit %d, %s", code, out)
		}
		onDisk(t, dir, "v99") // what a kill may lose with interval is milliseconds
		b.Process.Signal(syscall.SIGKILL)
		a.states(t, map[string]string{"web-2": "dead"})
		again := startAgentWith(t, "web-2", data)
		again.states(t, map[string]string{"web-1": "alive", "web-2": "alive"})
		for _, x := range []*agent{again, a} {
			r := client(t, x)
			for i := range 100 {
				for end := time.Now().Add(10 * time.Second); ; {
					v, err := r.Get(ctx, fmt.Sprint("web-2/k", i)).Result()
					if v == fmt.Sprint("v", i) {
						break
					}
					if time.Now().After(end) {
						t.Fatalf("%s: k%d is %q, %v", sync, i, v, err)
					}
				}
			}
		}
	}
}
