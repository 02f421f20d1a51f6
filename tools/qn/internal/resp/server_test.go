package resp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// front is one agent's front over an engine of its own.
type front struct {
	eng    *engine.Engine
	server *Server
}

func startFront(t *testing.T, name, password string, seeds ...string) *front {
	t.Helper()
	cfg := engine.Local()
	cfg.Name, cfg.Seeds = name, seeds
	eng, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := space.New(ctx, eng)
	v, err := Start(s, Options{Addr: "127.0.0.1:0", Password: password, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close(); cancel(); eng.Close() })
	return &front{eng, v}
}

// talker speaks RESP and prints answers on one line each: lists in brackets.
type talker struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (f *front) dial(t testing.TB) *talker {
	t.Helper()
	c, err := net.Dial("tcp", f.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &talker{t, c, bufio.NewReader(c)}
}

func (c *talker) send(words ...string) {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		c.t.Fatal(err)
	}
}

func (c *talker) read() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "closed"
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '$', '=':
		if n < 0 {
			return "nil"
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, b); err != nil {
			c.t.Fatal(err)
		}
		return string(b[:n])
	case '%':
		n *= 2
		fallthrough
	case '*', '~', '>':
		var parts []string
		for range n {
			parts = append(parts, c.read())
		}
		return "[" + strings.Join(parts, " ") + "]"
	case '_':
		return "nil"
	}
	return line
}

func (c *talker) do(words ...string) string {
	c.t.Helper()
	c.send(words...)
	return c.read()
}

func TestCommands(t *testing.T) {
	c := startFront(t, "web-1", "").dial(t)
	f := func(line, want string) {
		t.Helper()
		if got := c.do(strings.Fields(line)...); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	f("PING", "+PONG")
	f("ping hello", "hello")
	f("ECHO x", "x")
	f("SELECT 0", "+OK")
	f("SELECT 1", "-ERR DB index is out of range")
	f("AUTH x", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	f("SET k v", "+OK")
	f("GET k", "v")
	f("get web-1/k", "nil")
	f("GET ./k", "nil")
	f("SET ./k own", "+OK")
	f("get web-1/k", "own")
	f("GET k", "v")
	f("DEL ./k", ":1")
	f("SET /a/b c", "+OK")
	f("GET /a/b", "c")
	f("DEL /a/b", ":1")
	f("SET ./a/b c", "+OK")
	f("GET web-1/a/b", "c")
	f("GET nothing", "nil")
	f("SET web-9/k v", `-ERR there is no member "web-9": a slash names a member; write ./web-9/k for a key of web-1`)
	f("SET k w NX", "nil")
	f("SET k w XX GET", "v")
	f("SET new w XX", "nil")
	f("SET k w NX XX", "-ERR syntax error")
	f("SET k w EX 0", "-ERR invalid expire time in 'set' command")
	f("SET k w EX x", "-ERR value is not an integer or out of range")
	f("SET k w EX 100", "+OK")
	f("TTL k", ":100")
	f("SET k w KEEPTTL", "+OK")
	f("TTL k", ":100")
	f("SET k w", "+OK")
	f("TTL k", ":-1")
	f("TTL nothing", ":-2")
	f("SETEX e 10 v", "+OK")
	f("TTL e", ":10")
	f("PERSIST e", ":1")
	f("PERSIST e", ":0")
	f("EXPIRE e 50", ":1")
	f("TTL e", ":50")
	f("EXPIRE e 0", ":1")
	f("EXISTS e", ":0")
	f("EXPIRE e 5", ":0")
	f("PSETEX e 60000 v", "+OK")
	f("GETEX e PERSIST", "v")
	f("PTTL e", ":-1")
	f("GETDEL e", "v")
	f("GETDEL e", "nil")
	f("SETNX n 1", ":1")
	f("SETNX n 1", ":0")
	f("INCR n", ":2")
	f("INCRBY n 40", ":42")
	f("DECR n", ":41")
	f("DECRBY n 1", ":40")
	f("DECRBY n x", "-ERR value is not an integer or out of range")
	f("DECRBY n -9223372036854775808", "-ERR value is not an integer or out of range")
	f("GETSET g 1", "nil")
	f("GETSET g 2", "1")
	f("EXPIRE g 100 XX", ":0")
	f("EXPIRE g 100 GT", ":0")
	f("EXPIRE g 100 NX", ":1")
	f("EXPIRE g 200 NX", ":0")
	f("EXPIRE g 200 LT", ":0")
	f("EXPIRE g 200 gt", ":1")
	f("PEXPIREAT g 9000000000000 LT", ":0")
	f("EXPIRE g 1 xy", "-ERR Unsupported option xy")
	f("TTL g", ":200")
	f("EXPIRE nothing 5 NX", ":0")
	f("TOUCH g n nothing", ":2")
	f("DEL g", ":1")
	f("INCR k", "-ERR value is not an integer or out of range")
	f("SET big 9223372036854775807", "+OK")
	f("INCR big", "-ERR value is not an integer or out of range")
	f("MSET a 1 b 2", "+OK")
	f("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command")
	f("MGET a b nothing", "[1 2 nil]")
	f("EXISTS a b a nothing", ":3")
	f("STRLEN a", ":1")
	f("TYPE a", "+string")
	f("TYPE web-1", "+hash")
	f("TYPE nothing", "+none")
	f("HGET web-1 a/b", "c")
	f("HEXISTS web-1 a/b", ":1")
	f("HEXISTS web-1 a/c", ":0")
	f("HLEN web-1", ":1")
	f("DBSIZE", ":6")
	f("DEL a b nothing", ":2")
	f("UNLINK big", ":1")
	f("DBSIZE", ":3")
	f("KEYS n*", "[n]")
	f("KEYS *a/*", "[web-1/a/b]")
	f("WAIT 0 100", ":0")
	f("GET", "-ERR wrong number of arguments for 'get' command")
	f("NOSUCH a b", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ")
	f("CLIENT SETNAME me", "+OK")
	f("CLIENT GETNAME", "me")
	f("CLIENT SETINFO LIB-NAME x", "+OK")
	f("CLIENT TRACKING ON", "-ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.")
	f("CONFIG GET appendonly", "[appendonly no]")
	f("COMMAND COUNT", ":"+strconv.Itoa(len(table)))
	f("COMMAND DOCS echo", "[echo [summary Answers its argument. group generic]]")
	f("HELLO 4", "-NOPROTO unsupported protocol version")
	f("DEBUG SLEEP 10", "-ERR DEBUG is not for clients of an agent")
	f("RESET", "+RESET")
	if got := c.do("HELLO", "3"); !strings.HasPrefix(got, "[server redis version 7.0.0 quidnunc_version test proto :3 id ") {
		t.Errorf("HELLO 3: %q", got)
	}
	f("GET nothing", "nil")
	if got := c.do("INFO"); !strings.Contains(got, "redis_version:7.0.0") || !strings.Contains(got, "db0:keys=3") {
		t.Errorf("INFO: %q", got)
	}
	f("QUIT", "+OK")
	if got := c.read(); got != "closed" {
		t.Error(got)
	}
}

// Commands in one packet are answered in order, also where one of them takes its time.
func TestPipelining(t *testing.T) {
	c := startFront(t, "web-1", "").dial(t)
	for i := range 2000 {
		c.send("SET", fmt.Sprint("k", i%10), strconv.Itoa(i))
		if i%100 == 0 {
			c.send("DBSIZE")
		}
		c.send("GET", fmt.Sprint("k", i%10))
	}
	for i := range 2000 {
		if got := c.read(); got != "+OK" {
			t.Fatal(i, got)
		}
		if i%100 == 0 {
			if got := c.read(); got != ":"+strconv.Itoa(min(10, i+1)) {
				t.Fatal(i, got)
			}
		}
		if got := c.read(); got != strconv.Itoa(i) {
			t.Fatal(i, got)
		}
	}
}

// Who writes faster than the engine takes it is slowed down, not refused.
func TestAFullStageSlowsDown(t *testing.T) {
	v := startFront(t, "web-1", "")
	const clients, each = 8, 3000
	done := make(chan string, clients)
	for n := range clients {
		c := v.dial(t)
		go func() {
			var b strings.Builder
			value := strings.Repeat("x", 600)
			for i := range each {
				fmt.Fprintf(&b, "*3\r\n$3\r\nSET\r\n$%d\r\n%d-%04d\r\n$600\r\n%s\r\n", 6, n, i%100, value)
			}
			go io.WriteString(c, b.String())
			bad := ""
			for range each {
				if got := c.read(); got != "+OK" {
					bad = got
					break
				}
			}
			done <- bad
		}()
	}
	for range clients {
		if bad := <-done; bad != "" {
			t.Error(bad)
		}
	}
}

// A key that is there during the whole walk is listed.
func TestScanListsWhatStays(t *testing.T) {
	c := startFront(t, "web-1", "").dial(t)
	for i := range 500 {
		c.do("SET", fmt.Sprint("stays-", i), "v")
	}
	seen, cursor := map[string]bool{}, "0"
	for round := 0; ; round++ {
		got := c.do("SCAN", cursor, "COUNT", "20", "MATCH", "stays-*")
		var rest string
		cursor, rest, _ = strings.Cut(strings.Trim(got, "[]"), " [")
		if cursor = strings.TrimSpace(cursor); strings.Trim(cursor, "0123456789") != "" { // a page may have no match
			t.Fatal(got)
		}
		for name := range strings.FieldsSeq(strings.Trim(rest, "[]")) {
			seen[name] = true
		}
		if cursor == "0" {
			break
		}
		c.do("SET", fmt.Sprint("comes-", round), "v")
		c.do("DEL", fmt.Sprint("comes-", round-3))
	}
	if len(seen) != 500 {
		t.Errorf("%d of 500", len(seen))
	}
}

func TestPassword(t *testing.T) {
	c := startFront(t, "web-1", "secret").dial(t)
	f := func(line, want string) {
		t.Helper()
		if got := c.do(strings.Fields(line)...); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	f("GET k", "-NOAUTH Authentication required.")
	f("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.")
	f("HELLO 3 AUTH default wrong", "-WRONGPASS invalid username-password pair or user is disabled.")
	f("AUTH default secret", "+OK")
	f("GET k", "nil")
	f("RESET", "+RESET")
	f("GET k", "-NOAUTH Authentication required.")
	if got := c.do("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me"); !strings.Contains(got, "proto :3") {
		t.Error(got)
	}
	f("CLIENT GETNAME", "me")
}

// Two agents: keys are read alike, written by their owner alone, WAIT counts, and messages and
// events go round.
func TestTwoAgents(t *testing.T) {
	a := startFront(t, "web-1", "")
	b := startFront(t, "web-2", "", a.eng.Addr().String())
	ca, cb, sub := a.dial(t), b.dial(t), b.dial(t)
	for deadline := time.Now().Add(10 * time.Second); a.eng.Sample().Alive+b.eng.Sample().Alive < 4; {
		if time.Now().After(deadline) {
			t.Fatal("the agents do not meet")
		}
	}
	if got := sub.do("PSUBSCRIBE", "__key*__:*"); got != "[psubscribe __key*__:* :1]" {
		t.Fatal(got)
	}
	if got := sub.do("SUBSCRIBE", "news"); got != "[subscribe news :2]" {
		t.Fatal(got)
	}
	if got := sub.do("GET", "k"); !strings.HasPrefix(got, "-ERR Can't execute 'get'") {
		t.Error(got)
	}
	if got := ca.do("SET", "k", "v"); got != "+OK" {
		t.Fatal(got)
	}
	if got := ca.do("WAIT", "1", "5000"); got != ":1" {
		t.Error(got)
	}
	if got := cb.do("GET", "k"); got != "v" {
		t.Error(got)
	}
	if got := cb.do("SET", "web-1/k", "w"); !strings.HasPrefix(got, "-ERR key k belongs to web-1") {
		t.Error(got)
	}
	if got := ca.do("WAIT", "5", "50"); got != ":1" {
		t.Errorf("more than there are: %s", got)
	}
	for _, want := range []string{"[pmessage __key*__:* __keyspace@0__:k set]", "[pmessage __key*__:* __keyevent@0__:set k]"} {
		if got := sub.read(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := ca.do("PUBLISH", "news", "hello"); got != ":0" { // nobody listens at this agent
		t.Error(got)
	}
	if got := sub.read(); got != "[message news hello]" {
		t.Error(got)
	}
	events := func(name, event string) {
		t.Helper()
		for _, want := range []string{"__keyspace@0__:" + name + " " + event, "__keyevent@0__:" + event + " " + name} {
			if got := sub.read(); got != "[pmessage __key*__:* "+want+"]" {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
	ca.do("DEL", "k")
	events("k", "del")
	for _, name := range []string{"short", "web-1/short"} {
		ca.do("SET", name, "v", "PX", "200")
		events(name, "set")
		events(name, "expired")
		ca.do("SET", name, "v", "EX", "100")
		events(name, "set")
		ca.do("DEL", name)
		events(name, "del")
	}
	if got := sub.do("UNSUBSCRIBE"); got != "[unsubscribe news :1]" {
		t.Error(got)
	}
	if got := sub.do("PING"); got != "[pong ]" {
		t.Error(got)
	}
}

// A plain key is the same at every agent, whoever wrote it, and a number that both add to is the
// sum.
func TestSharedKeysOfAgents(t *testing.T) {
	a := startFront(t, "web-1", "")
	b := startFront(t, "web-2", "", a.eng.Addr().String())
	ca, cb := a.dial(t), b.dial(t)
	deadline := time.Now().Add(15 * time.Second)
	reads := func(c *talker, line, want string) {
		t.Helper()
		got := ""
		for time.Now().Before(deadline) {
			if got = c.do(strings.Fields(line)...); got == want {
				return
			}
		}
		t.Errorf("%s: %q, want %q", line, got, want)
	}
	ca.do("SET", "color", "red")
	reads(cb, "GET color", "red")
	cb.do("SET", "color", "blue")
	reads(ca, "GET color", "blue")
	for range 5 {
		ca.do("INCR", "hits")
		cb.do("INCRBY", "hits", "2")
	}
	reads(ca, "GET hits", "15")
	reads(cb, "GET hits", "15")
	reads(ca, "KEYS c*", "[color]")
	reads(ca, "KEYS h*", "[hits]")
	reads(cb, "DBSIZE", ":2")
	cb.do("DEL", "hits")
	reads(ca, "GET hits", "nil")
	reads(ca, "DBSIZE", ":1")
	reads(ca, "INCR hits", ":1")
	cb.do("SET", "short", "v", "PX", "300")
	reads(ca, "GET short", "nil")
	reads(cb, "GET short", "nil")
	reads(cb, "SETNX color x", ":0")
}

func TestNonsenseClosesTheConnection(t *testing.T) {
	v := startFront(t, "web-1", "")
	f := func(bytes, want string) {
		t.Helper()
		c := v.dial(t)
		io.WriteString(c, bytes)
		if got := c.read(); got != want {
			t.Errorf("%.20q: %q, want %q", bytes, got, want)
		}
		if want != "closed" && c.read() != "closed" {
			t.Errorf("%.20q: still open", bytes)
		}
	}
	f("*1\r\n$99999999\r\n", "-ERR Protocol error: invalid bulk length")
	f("POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\nSET k v\r\n", "closed")
	f("Host: localhost\r\n", "closed")
	f("*2\r\n$4\r\nPost\r\n$1\r\n/\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", "closed")
	if _, _, ok := v.eng.Get("web-1", "k"); ok {
		t.Error("a form wrote a key")
	}
	if n := v.server.Counts().Protocol.Load(); n != 4 {
		t.Errorf("%d counted", n)
	}
}

// Who asks for much and reads nothing costs a bounded amount of memory and is closed in the end;
// others are served.
func TestClientsThatDoNotReadAreBounded(t *testing.T) {
	v := startFront(t, "web-1", "")
	good, bad := v.dial(t), v.dial(t)
	good.do("SET", "k", strings.Repeat("x", 700))
	request := []byte(strings.Repeat("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", 1000))
	bad.SetWriteDeadline(time.Now().Add(2 * time.Second))
	sent := 0
	for range 4000 {
		n, err := bad.Write(request)
		if sent += n; err != nil {
			break
		}
	}
	if sent == 4000*len(request) {
		t.Error("everything was taken")
	}
	for range 100 {
		if got := good.do("PING"); got != "+PONG" {
			t.Fatal(got)
		}
	}
}

// Requests that are never whole cost a bounded amount of memory together, whoever sends them, and
// others are served.
func TestHalfRequestsAreBounded(t *testing.T) {
	v := startFront(t, "web-1", "")
	good := v.dial(t)
	part := append([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4000000\r\n"), make([]byte, 3_900_000)...)
	for range 2 * heldMax / len(part) {
		c := v.dial(t)
		c.SetWriteDeadline(time.Now().Add(10 * time.Second))
		c.Write(part) // it may be closed meanwhile
		if n := v.server.held.Load(); n > heldMax+unparsedMax {
			t.Fatalf("%d bytes are held", n)
		}
	}
	for v.server.Counts().Greedy.Load() == 0 {
		if got := good.do("PING"); got != "+PONG" {
			t.Fatal(got)
		}
	}
	if got := good.do("SET", "k", strings.Repeat("x", 500)); got != "+OK" {
		t.Error(got)
	}
}

func TestPortTakenIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	v := startFront(t, "web-1", "")
	if _, err := Start(v.server.space, Options{Addr: l.Addr().String()}); err == nil || !strings.Contains(err.Error(), "fix:") {
		t.Error(err)
	}
}

func TestTableIsWhole(t *testing.T) {
	names := sortedCommands()
	if !slices.Contains(names, "get") || len(names) != len(connectionCommands)+len(keyCommands)+len(listCommands)+len(messageCommands) {
		t.Errorf("%d commands: %v", len(names), names)
	}
	for _, name := range names {
		if cmd := table[name]; cmd.summary == "" || cmd.least < 1 || cmd.name != strings.ToLower(name) {
			t.Errorf("%s: %+v", name, cmd)
		}
	}
}
