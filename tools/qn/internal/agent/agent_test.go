package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
)

func parse(t testing.TB, env map[string]string, args ...string) (o Options, err error) {
	t.Helper()
	fs := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	o.Flags(fs)
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	return o, Load(fs, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func TestSettingsComeFromFlagsThenEnvironmentThenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.toml")
	if err := os.WriteFile(path, []byte("name = \"file\"\ncluster = \"file\"\nzone = \"file\"\njoin = [\"a:1\", \"b:2\"]\nleave_timeout = \"3s\"\nready_members = 4\n[tag]\nservice = \"web\"\nport = 8080\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := parse(t, map[string]string{"QN_CONFIG": path, "QN_CLUSTER": "env", "QN_NAME": "env"}, "--name", "flag")
	if err != nil {
		t.Fatal(err)
	}
	if o.Name != "flag" || o.Cluster != "env" || o.Zone != "file" || fmt.Sprint(o.Join) != "[a:1 b:2]" || o.LeaveTimeout != 3*time.Second ||
		o.ReadyMembers != 4 || o.Tags["service"] != "web" || o.Tags["port"] != "8080" || o.Bind != "127.0.0.1:7946" {
		t.Errorf("%+v", o)
	}
}

func TestUnknownAndWrongSettingsAreRefused(t *testing.T) {
	f := func(text string, wants ...string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "agent.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := parse(t, nil, "--config", path)
		for _, want := range append(wants, path) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v does not say %q", text, err, want)
			}
		}
	}
	f("clutser = \"x\"", "clutser", `"cluster"`)
	f("leave_timeout = 3", "leave_timeout", "10s")
	f("name = [\"a\", \"b\"]", "name")
	f("join = {a = 1}", "join")
	f("name = ", "line 1")
	if _, err := parse(t, map[string]string{"QN_READY_MEMBERS": "x"}); err == nil || !strings.Contains(err.Error(), "QN_READY_MEMBERS=x: not a whole number") {
		t.Error(err)
	}
}

// start runs an agent with free ports.
func start(t *testing.T, name string, args ...string) *Agent {
	t.Helper()
	base := []string{"--name", name, "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--resp", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--profile", "local", "--leave-timeout", "200ms", "--log-level", "error"}
	o, err := parse(t, nil, append(base, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Start(t.Context(), o, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func (a *Agent) url(path string) string {
	for _, f := range a.fronts {
		if f.Kind == "http" {
			return "http://" + f.Addr + path
		}
	}
	return ""
}

func (a *Agent) client(t *testing.T) *api.Client {
	c, err := api.NewClient(a.url(""), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// meet waits until all agents see each other.
func meet(t *testing.T, agents ...*Agent) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		met := 0
		for _, a := range agents {
			if a.eng.Sample().Alive == len(agents) {
				met++
			}
		}
		if met == len(agents) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the agents do not meet")
		}
	}
}

// soon asks until the answer is yes, or tells what is wrong after ten seconds.
func soon(t *testing.T, yes func() bool, no func()) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !yes(); {
		if time.Now().After(end) || t.Failed() {
			no()
			return
		}
	}
}

func TestTheClusterTellsOfItself(t *testing.T) {
	a := start(t, "web-1")
	b := start(t, "web-2", "--join", a.eng.Addr().String(), "--tag", "service=web,port=80")
	meet(t, a, b)
	ctx := t.Context()
	ca, cb := a.client(t), b.client(t)
	do := func(c *api.Client, method, path, body string, v any) {
		t.Helper()
		if err := c.Do(ctx, method, path, []byte(body), v); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
	}
	var w api.Written
	do(ca, "PUT", "/v1/kv/web-1/color", "green", &w)
	var shared api.Written
	do(ca, "PUT", "/v1/kv/flavour", "sweet", &shared)
	if err := a.eng.WaitConverged(ctx); err != nil {
		t.Fatal(err)
	}
	var e api.Entry
	if do(cb, "GET", "/v1/kv/web-1/color", "", &e); e.Value != "green" || e.Version != w.Version {
		t.Errorf("%+v, written %+v", e, w)
	}
	if do(cb, "GET", "/v1/kv/flavour", "", &e); e.Value != "sweet" || e.Member != "" || e.Version == "" {
		t.Errorf("%+v, written %+v", e, shared)
	}
	var members []api.Member
	if do(ca, "GET", "/v1/members", "", &members); len(members) != 2 || !members[0].Self || members[1].Tags["service"] != "web" {
		t.Errorf("%+v", members)
	}
	var st api.Status
	if do(ca, "GET", "/v1/status", "", &st); !st.Healthy || st.Members["alive"] != 2 || len(st.Fronts) != 3 {
		t.Errorf("%+v", st)
	}
	// An agent writes entries of its own at any time (what its host tells), so that the two are
	// equal soon, not at once.
	var lag []api.Lag
	soon(t, func() bool {
		do(ca, "GET", "/v1/lag", "", &lag)
		return len(lag) == 2 && lag[1].Behind == 0
	}, func() { t.Errorf("%+v", lag) })
	var digests []api.Digest
	soon(t, func() bool {
		do(ca, "GET", "/v1/digest", "", &digests)
		return len(digests) == 2 && digests[0].Fingerprint == digests[1].Fingerprint && digests[0].Error == ""
	}, func() { t.Errorf("%+v", digests) })
	var trace api.Trace
	if do(cb, "GET", "/v1/trace/web-1/color", "", &trace); len(trace.Learned) != 2 || trace.Version != w.Version || trace.Learned[0].Version != w.Version {
		t.Errorf("%+v", trace)
	}
	soon(t, func() bool {
		do(cb, "GET", "/v1/trace/flavour", "", &trace)
		return len(trace.Learned) == 2 && trace.Learned[1].Version == trace.Version
	}, func() { t.Errorf("%+v", trace) })
	if trace.Writer != "web-1" || trace.Member != "" || trace.Version == "" {
		t.Errorf("%+v", trace)
	}
	if l := trace.Learned; l[0].Member != "web-1" || l[0].From != "" || l[1].From != "web-1" {
		t.Errorf("%+v", trace)
	}
	var why api.Why
	if do(ca, "GET", "/v1/why/web-2", "", &why); why.State != "alive" || why.Text == "" {
		t.Errorf("%+v", why)
	}
	var pong api.Pong
	if do(ca, "POST", "/v1/ping/web-2", "", &pong); pong.RTTSeconds <= 0 {
		t.Errorf("%+v", pong)
	}
	for member, want := range map[string]string{"web-2": "is alive", "web-1": "the member itself", "web-9": "no member \"web-9\""} {
		if err := ca.Do(ctx, "POST", "/v1/forget/"+member, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("forget %s: %v", member, err)
		}
	}
	for path, want := range map[string]string{"/v1/kv/nothing": "no key", "/v1/why/web-9": "web-9", "/v1/nosuch": "GET / lists"} {
		if err := ca.Get(ctx, path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := cb.Do(ctx, "PUT", "/v1/kv/web-1/color", []byte("red"), nil); err == nil || !strings.Contains(err.Error(), "belongs to web-1") {
		t.Error(err)
	}
	if err := ca.Do(ctx, "PUT", "/v1/kv/big", make([]byte, 2<<20), nil); err == nil {
		t.Error("a value that is longer than any was taken")
	}
	large := strings.Repeat("large ", 20000)
	do(ca, "PUT", "/v1/kv/web-1/large", large, &w)
	for end := time.Now().Add(10 * time.Second); e.Value != large && time.Now().Before(end); {
		_ = cb.Get(ctx, "/v1/kv/web-1/large", &e) // until it was fetched
	}
	if e.Value != large {
		t.Errorf("a large value did not come: %d bytes", len(e.Value))
	}
	if err := ca.Do(ctx, "POST", "/v1/keys/use", []byte("2"), nil); err == nil || !strings.Contains(err.Error(), "without keys") {
		t.Error(err)
	}
}

// A key is replaced in the whole cluster by three requests to one agent, without a time in which
// members don't hear each other.
func TestKeysAreReplacedByThreeRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(engine.NewSecret(1).Text()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, "web-1", "--key-file", file)
	b := start(t, "web-2", "--key-file", file, "--join", a.eng.Addr().String())
	meet(t, a, b)
	c := a.client(t)
	step := func(name, body, next string) {
		t.Helper()
		var r api.KeyResult
		if err := c.Do(t.Context(), "POST", "/v1/keys/"+name, []byte(body), &r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(r.Steps) != 2 || !r.Steps[0].Done || !r.Steps[1].Done || len(r.Missing) > 0 || r.Next != next {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if err := c.Do(t.Context(), "POST", "/v1/keys/use", []byte("2"), nil); err == nil || !strings.Contains(err.Error(), "not held") {
		t.Error(err)
	}
	state := func(id uint8) string {
		var list []api.KeyState
		if err := c.Get(t.Context(), "/v1/keys", &list); err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			if k.ID == id {
				return k.State
			}
		}
		return "gone"
	}
	states := func(first, second string) {
		t.Helper()
		if is := [2]string{state(1), state(2)}; is != [2]string{first, second} {
			t.Errorf("the keys are %v, want %s and %s", is, first, second)
		}
	}
	if err := c.Do(t.Context(), "POST", "/v1/keys/install", []byte("junk"), nil); err == nil || strings.Contains(err.Error(), "engine:") || !strings.Contains(err.Error(), "qn keys gen") {
		t.Error(err)
	}
	if err := c.Do(t.Context(), "POST", "/v1/keys/remove", []byte("7"), nil); err == nil || !strings.Contains(err.Error(), "nothing to remove") {
		t.Error(err)
	}
	states(api.KeyInUse, "gone")
	step("install", engine.NewSecret(2).Text(), "add it to each agent's --key-file, for its next start, then: qn keys use 2")
	states(api.KeyInUse, api.KeyReady)
	step("use", "2", "put it first in each agent's --key-file, and leave key 1 out, then: qn keys remove 1")
	states(api.KeyReady, api.KeyInUse)
	step("remove", "1", "")
	states("gone", api.KeyInUse)
	for _, x := range []*Agent{a, b} {
		if k := x.eng.Secrets(); len(k) != 1 || k[0].ID != 2 || !k[0].Primary {
			t.Errorf("%s: %+v", x.eng.Name(), k)
		}
	}
	v, err := a.eng.Set("k", []byte("v"))
	if err == nil {
		err = a.eng.WaitVersion(t.Context(), v)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestStrangersAreKeptOut(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open, closed := start(t, "web-1"), start(t, "web-2", "--http-token-file", token)
	f := func(a *Agent, method, path, host string, head map[string]string, want int) {
		t.Helper()
		req, err := http.NewRequest(method, a.url(path), strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		for k, v := range head {
			req.Header.Set(k, v)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s %s host %q %v: %s, want %d", method, path, host, head, resp.Status, want)
		}
	}
	f(open, "GET", "/v1/status", "", nil, 200)
	f(open, "GET", "/v1/status", "localhost:1", nil, 200)
	f(open, "GET", "/v1/status", "evil.example", nil, 403)
	f(open, "GET", "/metrics", "evil.example", nil, 403)
	f(open, "PUT", "/v1/kv/k", "", map[string]string{"Origin": "http://evil.example"}, 403)
	f(open, "POST", "/v1/leave", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403)
	f(open, "GET", "/v1/status", "", map[string]string{"Origin": "http://evil.example"}, 403)
	f(open, "GET", "/v1/watch", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403)
	f(open, "GET", "/v1/status", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200)
	f(open, "POST", "/v1/leave", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403)
	f(open, "GET", "/v1/status", "", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200)
	f(open, "PUT", "/v1/kv/k", "", nil, 200)
	f(closed, "GET", "/v1/status", "", nil, 401)
	f(closed, "GET", "/v1/status", "", map[string]string{"Authorization": "Bearer wrong"}, 401)
	f(closed, "GET", "/v1/status", "", map[string]string{"Authorization": "Bearer secret"}, 200)
	f(closed, "GET", "/livez", "", nil, 200)
	f(closed, "GET", "/readyz", "", nil, 200)
	f(open, "GET", "/readyz", "", nil, 200)
	if err := os.Chmod(token, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret("http-token-file", token); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
}

// A watch that was cut off goes on where it was; one of another life of the agent begins with what
// there is.
func TestWatchResumes(t *testing.T) {
	a := start(t, "web-1")
	set := func(key, value string) {
		t.Helper()
		if _, err := a.space.Engine().Set(key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	open := func(id string) (*bufio.Reader, func()) {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", a.url("/v1/watch"), nil)
		req.Header.Set("Accept", "text/event-stream")
		if id != "" {
			req.Header.Set("Last-Event-ID", id)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return bufio.NewReader(resp.Body), func() { cancel(); resp.Body.Close() }
	}
	next := func(r *bufio.Reader) (event, id string, e api.Entry) {
		t.Helper()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			switch field, value, _ := strings.Cut(strings.TrimSpace(line), ": "); field {
			case "event":
				event = value
			case "id":
				id = value
			case "data":
				if err := json.Unmarshal([]byte(value), &e); err != nil {
					t.Fatal(err)
				}
				return event, id, e
			}
		}
	}
	r, end := open("")
	set("a", "1")
	event, id, e := next(r)
	if event != "change" || e.Key != "a" || e.Value != "1" {
		t.Errorf("%s %+v", event, e)
	}
	end()
	set("b", "2")
	a.eng.Delete("a")
	r, end = open(id)
	if event, _, e = next(r); event != "change" || e.Key != "b" {
		t.Errorf("resumed with %s %+v", event, e)
	}
	if event, _, e = next(r); event != "change" || e.Key != "a" || !e.Deleted {
		t.Errorf("resumed with %s %+v", event, e)
	}
	end()
	r, end = open("otherlife.7")
	if event, _, _ = next(r); event != "resync" {
		t.Errorf("another life: %s", event)
	}
	if event, _, e = next(r); event != "entry" || e.Key != "b" {
		t.Errorf("another life: %s %+v", event, e)
	}
	end()
}

func TestSocketIsForItsOwnerAndReplacesADeadOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "qn.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close() // it stays behind, as after a crash
	start(t, "web-1", "--socket", path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	c, err := api.NewClient("unix:"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "/v1/status", nil); err != nil {
		t.Error(err)
	}
	o, err := parse(t, nil, "--name", "b", "--bind", "127.0.0.1:0", "--http=", "--resp=", "--dns=", "--socket", path)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := Start(t.Context(), o, "test", io.Discard); err == nil || !strings.Contains(err.Error(), "another agent") {
		if a != nil {
			a.Close()
		}
		t.Error(err)
	}
}

// systemd is told when the agent is ready, that it lives, and when it goes; a hangup brings tags
// and new keys.
func TestLifeAsAService(t *testing.T) {
	dir := t.TempDir()
	sock := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: sock, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", sock)
	t.Setenv("WATCHDOG_USEC", "100000")
	key := filepath.Join(dir, "key")
	write := func(keys ...engine.Secret) {
		text := ""
		for _, k := range keys {
			text += k.Text() + "\n"
		}
		if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one := engine.NewSecret(1)
	write(one)
	o, err := parse(t, nil, "--name", "web-1", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--resp=", "--dns=", "--key-file", key, "--leave-timeout", "50ms", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o, func() (Options, error) { return o, nil }, "test", io.Discard) }()
	heard := map[string]bool{}
	hear := func(want string) {
		t.Helper()
		l.SetReadDeadline(time.Now().Add(10 * time.Second))
		for buf := make([]byte, 256); !heard[want]; {
			n, err := l.Read(buf)
			if err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			heard[string(buf[:n])] = true
		}
	}
	hear("READY=1")
	hear("WATCHDOG=1")
	cancel()
	hear("STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	a := start(t, "web-2", "--key-file", key)
	write(one, engine.NewSecret(2))
	b := a.opt
	b.Tags = map[string]string{"service": "web"}
	a.reload(func() (Options, error) { return b, nil })
	if k := a.eng.Secrets(); len(k) != 2 {
		t.Errorf("%+v", k)
	}
	for m := range a.eng.Members() {
		if m.Self && m.Tags["service"] != "web" {
			t.Errorf("%+v", m)
		}
	}
}

func TestLeaveEndsTheAgent(t *testing.T) {
	a := start(t, "web-1")
	if err := a.client(t).Do(t.Context(), "POST", "/v1/leave", nil, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-a.Asked():
	case <-time.After(5 * time.Second):
		t.Error("nobody was told")
	}
}

// TestEachReloadIsSaidToBeOver: systemd waits for the end of what it is told has begun, so each reload
// is said to begin and then to be over, whatever became of it.
func TestEachReloadIsSaidToBeOver(t *testing.T) {
	a := start(t, "web-1")
	sock := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: sock, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", sock)
	with := func(change func(o *Options)) func() (Options, error) {
		return func() (Options, error) {
			o := a.opt
			change(&o)
			return o, nil
		}
	}
	reads := map[string]func() (Options, error){
		"as it was":       with(func(*Options) {}),
		"not to be read":  func() (Options, error) { return Options{}, errors.New("no such file") },
		"tags too long":   with(func(o *Options) { o.Tags = map[string]string{"x": strings.Repeat("y", 1<<16)} }),
		"a key not there": with(func(o *Options) { o.KeyFiles = []string{sock + "-none"} }),
	}
	for what, read := range reads {
		a.reload(read)
		for _, want := range []string{"RELOADING=1", "READY=1"} {
			b := make([]byte, 64)
			l.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := l.Read(b)
			if err != nil || string(b[:n]) != want {
				t.Errorf("%s: %q, %v, want %q", what, b[:n], err, want)
			}
		}
	}
}
