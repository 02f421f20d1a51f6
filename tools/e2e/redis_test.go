package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// twoAgents are two that know each other.
func twoAgents(t *testing.T) (a, b *agent) {
	t.Helper()
	a = startAgent(t, "web-1")
	b = startAgent(t, "web-2", a.udp)
	a.states(t, map[string]string{"web-1": "alive", "web-2": "alive"})
	b.states(t, map[string]string{"web-1": "alive", "web-2": "alive"})
	return a, b
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// Python's client works as it is, with both protocols.
func TestRedisPy(t *testing.T) {
	if exec.Command("python3", "-c", "import redis").Run() != nil {
		t.Skip("SKIPPED: python3 has no package redis here: its client was not tried")
	}
	a, b := twoAgents(t)
	for _, protocol := range []string{"2", "3"} {
		out, err := exec.Command("python3", "testdata/client.py", port(a.resp), port(b.resp), protocol).CombinedOutput()
		if err != nil || string(out) != "ok\n" {
			t.Errorf("RESP%s: %v\n%s", protocol, err, out)
		}
	}
}

// redis-cli works as people use it: one command, a script on its input, both protocols, and its own
// reports.
func TestRedisCLI(t *testing.T) {
	need(t, "redis-cli", "it was not tried")
	a, b := twoAgents(t)
	cli := func(x *agent, input string, args ...string) string {
		t.Helper()
		cmd := exec.Command("redis-cli", append([]string{"-p", port(x.resp)}, args...)...)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("redis-cli %v: %v, %s", args, err, out)
		}
		return string(out)
	}
	f := func(x *agent, line, want string) {
		t.Helper()
		if got := cli(x, "", strings.Fields(line)...); got != want+"\n" {
			t.Errorf("redis-cli %s: %q, want %q", line, got, want)
		}
	}
	f(a, "SET color green", "OK")
	f(a, "-3 GET color", "green")
	f(a, "-n 0 GET color", "green")
	f(a, "INCR hits", "1")
	got := cli(a, "SET k v\nWAIT 1 10000\nGET k\n")
	if got != "OK\n1\nv\n" {
		t.Errorf("a script: %q", got)
	}
	f(b, "GET k", "v")
	if got := cli(b, "", "INCR", "hits"); got != "2\n" {
		t.Errorf("a sum: %q", got)
	}
	f(b, "SET web-1/k v", "ERR key k belongs to web-1: only the agent of web-1 writes it, this one is web-2\n")
	for i := range 30 {
		cli(a, "", "SET", fmt.Sprint("s", i), "v")
	}
	if got := strings.Fields(cli(a, "", "--scan", "--pattern", "s*")); len(got) != 30 {
		t.Errorf("--scan: %d of 30", len(got))
	}
	if got := cli(a, "", "--bigkeys"); !strings.Contains(got, "strings with") {
		t.Errorf("--bigkeys: %s", got)
	}
	if got := cli(a, "", "--no-raw", "HELLO", "3"); !strings.Contains(got, "quidnunc_version") {
		t.Errorf("HELLO: %s", got)
	}
}

// A form of a web page that is sent to the front of Redis clients writes nothing: the connection is
// closed.
func TestAFormWritesNothing(t *testing.T) {
	a := startAgent(t, "web-1")
	for _, text := range []string{"POST / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n", "Host: x\r\nSET k v\r\n"} {
		c, err := net.Dial("tcp", a.resp)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		var b [64]byte
		if n, err := c.Read(b[:]); err == nil {
			t.Errorf("%.10q is answered with %q", text, b[:n])
		}
	}
	if out, code := run(t, "kv", "get", "k", "--agent", a.http); code != 3 {
		t.Errorf("exit %d, %q", code, out)
	}
}
