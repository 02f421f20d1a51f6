package e2e

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// need skips a test where a program of the machine is not there; what is skipped is counted.
func need(t *testing.T, program, lost string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("SKIPPED: no %s on this machine: %s", program, lost)
	}
}

// dns is the address of the agent's DNS front, of its banner.
func (a *agent) dns(t *testing.T) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(a.find(t, `(?m)^dns +(\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// Prometheus' own tool has nothing to say about the metrics of a live agent, nor about the rules.
func TestPromtool(t *testing.T) {
	need(t, "promtool", "metrics and rules were not checked by it")
	a, _ := twoAgents(t)
	answer, err := http.Get("http://" + a.http + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = answer.Body
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("check metrics: %v\n%s", err, out)
	}
	if out, err := exec.Command("promtool", "check", "rules", "--lint-fatal", "../qn/deploy/prometheus/alerts.yaml").CombinedOutput(); err != nil {
		t.Errorf("check rules: %v\n%s", err, out)
	}
}

// dig finds members by their service, over UDP and TCP, and tells a name without addresses of a
// kind from no name.
func TestDig(t *testing.T) {
	need(t, "dig", "the DNS front was not asked by it")
	a := startAgentWith(t, "web-1", []string{"--tag", "service=web,port=8080"})
	b := startAgentWith(t, "web-2", []string{"--tag", "service=web,port=8081"}, a.udp)
	a.states(t, map[string]string{"web-1": "alive", "web-2": "alive"})
	host, port := a.dns(t)
	dig := func(words ...string) string {
		t.Helper()
		out, err := exec.Command("dig", append([]string{"@" + host, "-p", port, "+tries=5", "+time=5"}, words...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	both := func(text string) bool { return strings.Contains(text, "web-1") && strings.Contains(text, "web-2") }
	for end := time.Now().Add(10 * time.Second); !both(dig("+short", "web.service.qn", "SRV")); {
		if time.Now().After(end) {
			t.Fatal(dig("web.service.qn", "SRV"))
		}
	}
	f := func(want string, words ...string) {
		t.Helper()
		if got := dig(words...); !strings.Contains(got, want) {
			t.Errorf("dig %v: %q is not in\n%s", words, want, got)
		}
	}
	if got := dig("+short", "web.service.qn", "A"); got != "127.0.0.1\n" { // of both, and a set has each record once
		t.Errorf("addresses: %q", got)
	}
	f("127.0.0.1", "+short", "+tcp", "web-2.node.qn", "A")
	f("1 1 8081 web-2.node.qn.", "+short", "+tcp", "_web._tcp.service.qn", "SRV")
	f("ADDITIONAL: 3", "web.service.qn", "SRV") // two addresses and EDNS
	f("service=web", "+short", "web-1.node.qn", "TXT")
	f("status: NOERROR", "web-1.node.qn", "AAAA")
	f("ANSWER: 0", "web-1.node.qn", "AAAA")
	f("status: NXDOMAIN", "web-9.node.qn", "A")
	f("status: REFUSED", "example.com", "A")
	b.Process.Kill()
	a.states(t, map[string]string{"web-2": "dead"})
	if got := dig("+short", "web.service.qn", "SRV"); both(got) || !strings.Contains(got, "web-1") {
		t.Errorf("a dead member is found: %s", got)
	}
}

// curl reads, writes and streams.
func TestCurl(t *testing.T) {
	need(t, "curl", "the HTTP front was not asked by it")
	a, b := twoAgents(t)
	curl := func(x *agent, words ...string) string {
		t.Helper()
		words[len(words)-1] = "http://" + x.http + words[len(words)-1]
		out, err := exec.Command("curl", append([]string{"-sS", "--max-time", "20"}, words...)...).CombinedOutput()
		if err != nil {
			t.Errorf("curl %v: %v, %s", words, err, out)
		}
		return string(out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stream := exec.CommandContext(ctx, "curl", "-sSN", "-H", "Accept: text/event-stream", "http://"+b.http+"/v1/watch?snapshot&prefix=col")
	lines, err := stream.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stream.Process.Kill(); stream.Wait() }()
	curl(a, "-X", "PUT", "-d", "green", "/v1/kv/color")
	read := bufio.NewReader(lines)
	for seen := ""; !strings.Contains(seen, `"value":"green"`); {
		line, err := read.ReadString('\n')
		if err != nil {
			rest, _ := io.ReadAll(read)
			t.Fatalf("%v: %s%s", err, seen, rest)
		}
		seen += line
	}
	if got := curl(b, "/v1/kv/color?raw"); got != "green" {
		t.Errorf("%q", got)
	}
	if got := curl(b, "-X", "DELETE", "/v1/kv/color"); !strings.Contains(got, "version") {
		t.Errorf("%q", got)
	}
	if got := curl(b, "-X", "POST", "-H", "Origin: http://evil.example", "/v1/leave"); !strings.Contains(got, "error") {
		t.Errorf("another origin may write: %q", got)
	}
	if got := curl(b, "-H", "Host: evil.example", "/v1/members"); !strings.Contains(got, "error") {
		t.Errorf("another host is served: %q", got)
	}
	for _, path := range []string{"/livez", "/readyz"} {
		if got := curl(a, "-o", "/dev/null", "-w", "%{http_code}", path); got != "200" {
			t.Errorf("%s: %s", path, got)
		}
	}
}
