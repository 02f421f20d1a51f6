package resp

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// redisVersion is what clients that look for features are told; the program's own stands beside it.
const redisVersion = "7.0.0"

var connectionCommands = []command{
	{name: "ping", least: 1, most: 2, run: ping, subscribed: true, summary: "Answers PONG, or its argument."},
	{name: "echo", least: 2, most: 2, run: func(c *conn, a [][]byte) bool { c.reply.bulk(a[1]); return false }, summary: "Answers its argument."},
	{name: "quit", least: 1, run: quit, open: true, subscribed: true, summary: "Closes the connection."},
	{name: "reset", least: 1, most: 1, run: reset, open: true, subscribed: true, summary: "Begins the connection anew."},
	{name: "select", least: 2, most: 2, run: choose, summary: "Accepts database 0, the only one."},
	{name: "auth", least: 2, most: 3, run: auth, open: true, summary: "Shows the password."},
	{name: "hello", least: 1, run: hello, open: true, summary: "Chooses the protocol, 2 or 3."},
	{name: "client", least: 2, run: client, summary: "Names the connection and tells of it."},
	{name: "command", least: 1, run: describe, summary: "Lists the commands."},
	{name: "config", least: 2, run: config, summary: "Answers what clients ask for at their start."},
	{name: "info", least: 1, run: info, summary: "Tells of the agent and its cluster."},
	{name: "time", least: 1, most: 1, run: clock, summary: "The agent's clock."},
	{name: "debug", least: 2, run: refused, summary: "Refused."},
	{name: "shutdown", least: 1, run: refused, summary: "Refused: use qn leave."},
}

func ping(c *conn, a [][]byte) bool {
	r := &c.reply
	if r.proto < 3 && c.server.subs.count(c) > 0 {
		r.array(2)
		r.text("pong")
		r.bulk(append([]byte{}, optional(a, 1)...))
		return false
	}
	if len(a) == 2 {
		r.bulk(a[1])
	} else {
		r.simple("PONG")
	}
	return false
}

func optional(a [][]byte, i int) []byte {
	if i < len(a) {
		return a[i]
	}
	return nil
}

func quit(c *conn, _ [][]byte) bool {
	c.reply.ok()
	c.quit = true
	return true
}

func reset(c *conn, _ [][]byte) bool {
	c.server.subs.drop(c)
	c.name, c.authed = "", c.server.opt.Password == ""
	c.speak(2)
	c.reply.simple("RESET")
	return false
}

func choose(c *conn, a [][]byte) bool {
	switch n, ok := integer(a[1]); {
	case !ok:
		c.fail("ERR invalid DB index")
	case n != 0:
		c.fail("ERR DB index is out of range")
	default:
		c.reply.ok()
	}
	return false
}

func auth(c *conn, a [][]byte) bool {
	user := "default"
	if len(a) == 3 {
		user = string(a[1])
	}
	switch password := a[len(a)-1]; {
	case c.server.opt.Password == "":
		c.fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	case user != "default" || !c.server.admits(password):
		c.fail("WRONGPASS invalid username-password pair or user is disabled.")
	default:
		c.authed = true
		c.reply.ok()
	}
	return false
}

// hello is HELLO [protover [AUTH user password] [SETNAME name]].
func hello(c *conn, a [][]byte) bool {
	proto, name, authed := c.reply.proto, c.name, c.authed
	if len(a) > 1 {
		n, ok := integer(a[1])
		if !ok || n < 2 || n > 3 {
			c.fail("NOPROTO unsupported protocol version")
			return false
		}
		proto = int(n)
	}
	for i := 2; i < len(a); {
		switch {
		case is(a[i], "AUTH") && i+2 < len(a):
			if c.server.opt.Password != "" && (string(a[i+1]) != "default" || !c.server.admits(a[i+2])) {
				c.fail("WRONGPASS invalid username-password pair or user is disabled.")
				return false
			}
			authed, i = true, i+3
		case is(a[i], "SETNAME") && i+1 < len(a):
			name, i = string(a[i+1]), i+2
		default:
			c.fail("ERR Syntax error in HELLO option '" + shown(a[i]) + "'")
			return false
		}
	}
	if !authed {
		c.fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return false
	}
	c.name, c.authed = name, authed
	c.speak(proto)
	c.greet()
	return false
}

func (c *conn) greet() {
	r := &c.reply
	r.mapOf(8)
	for _, pair := range [][2]string{{"server", "redis"}, {"version", redisVersion}, {"quidnunc_version", c.server.opt.Version}} {
		r.text(pair[0])
		r.text(pair[1])
	}
	r.text("proto")
	r.number(int64(r.proto))
	r.text("id")
	r.number(c.id)
	r.text("mode")
	r.text("standalone")
	r.text("role")
	r.text("master")
	r.text("modules")
	r.array(0)
}

func client(c *conn, a [][]byte) bool {
	r := &c.reply
	switch sub := a[1]; {
	case is(sub, "SETNAME") && len(a) == 3:
		if strings.ContainsAny(string(a[2]), " \n\r\t") || len(a[2]) > 256 {
			c.fail("ERR Client names cannot contain spaces, newlines or special characters.")
			return false
		}
		c.name = string(a[2])
		r.ok()
	case is(sub, "GETNAME") && len(a) == 2:
		if c.name == "" {
			r.null()
		} else {
			r.text(c.name)
		}
	case is(sub, "SETINFO") && len(a) == 4:
		switch {
		case is(a[2], "LIB-NAME"):
			c.lib[0] = shown(a[3])
			r.ok()
		case is(a[2], "LIB-VER"):
			c.lib[1] = shown(a[3])
			r.ok()
		default:
			c.fail("ERR Unrecognized option '" + shown(a[2]) + "'")
		}
	case is(sub, "ID") && len(a) == 2:
		r.number(c.id)
	case is(sub, "INFO") && len(a) == 2, is(sub, "LIST"):
		r.verbatim(c.line() + "\n")
	case is(sub, "NO-EVICT") && len(a) == 3, is(sub, "NO-TOUCH") && len(a) == 3:
		r.ok()
	default:
		c.unknownSub("CLIENT", sub)
	}
	return false
}

// line describes the connection, as CLIENT LIST does. Others are not shown: each belongs to a loop
// of its own.
func (c *conn) line() string {
	return fmt.Sprintf("id=%d addr=%s name=%s age=%d db=0 resp=%d lib-name=%s lib-ver=%s",
		c.id, c.remote, c.name, int(time.Since(c.since).Seconds()), c.reply.proto, c.lib[0], c.lib[1])
}

func describe(c *conn, a [][]byte) bool {
	r := &c.reply
	switch {
	case len(a) == 1, is(a[1], "INFO") && len(a) == 2:
		names := sortedCommands()
		r.array(len(names))
		for _, name := range names {
			r.command(table[name])
		}
	case is(a[1], "INFO"):
		r.array(len(a) - 2)
		for _, name := range a[2:] {
			if cmd := find(name); cmd != nil {
				r.command(cmd)
			} else {
				r.null()
			}
		}
	case is(a[1], "COUNT") && len(a) == 2:
		r.number(int64(len(table)))
	case is(a[1], "DOCS"):
		c.docs(a[2:])
	default:
		c.unknownSub("COMMAND", a[1])
	}
	return false
}

func (r *reply) command(cmd *command) {
	arity := cmd.least
	if cmd.most != cmd.least {
		arity = -arity
	}
	first, last, step := 0, 0, 0
	if cmd.keys {
		first, last, step = 1, 1, 1
		switch cmd.name {
		case "mget", "del", "unlink", "exists", "touch":
			last = -1
		case "mset":
			last, step = -1, 2
		}
	}
	r.array(6)
	r.text(cmd.name)
	r.number(int64(arity))
	r.set(1)
	if cmd.writes {
		r.simple("write")
	} else {
		r.simple("readonly")
	}
	r.number(int64(first))
	r.number(int64(last))
	r.number(int64(step))
}

func (c *conn) docs(names [][]byte) {
	var list []*command
	if len(names) == 0 {
		for _, name := range sortedCommands() {
			list = append(list, table[name])
		}
	}
	for _, name := range names {
		if cmd := find(name); cmd != nil {
			list = append(list, cmd)
		}
	}
	r := &c.reply
	r.mapOf(len(list))
	for _, cmd := range list {
		r.text(cmd.name)
		r.mapOf(2)
		r.text("summary")
		r.text(cmd.summary)
		r.text("group")
		r.text("generic")
	}
}

// settings are what clients ask for. Nothing of it can be changed here but what is always on.
var settings = map[string]string{
	"save": "", "appendonly": "no", "databases": "1", "maxmemory": "0", "timeout": "0", "notify-keyspace-events": "KEA",
	"maxclients": strconv.Itoa(connsMax), "proto-max-bulk-len": strconv.Itoa(bulkMax),
}

func config(c *conn, a [][]byte) bool {
	switch {
	case is(a[1], "GET") && len(a) > 2:
		var found []string
		for name := range settings {
			for _, pattern := range a[2:] {
				if glob(strings.ToLower(string(pattern)), name) {
					found = append(found, name)
					break
				}
			}
		}
		c.reply.mapOf(len(found))
		for _, name := range found {
			c.reply.text(name)
			c.reply.text(settings[name])
		}
	case is(a[1], "SET") && len(a) == 4 && is(a[2], "NOTIFY-KEYSPACE-EVENTS"):
		c.reply.ok() // they are always on
	case is(a[1], "SET"):
		c.fail("ERR CONFIG SET: an agent is configured by its flags, environment and file: see qn agent --help")
	case is(a[1], "RESETSTAT") && len(a) == 2:
		c.fail("ERR counters of an agent only grow")
	default:
		c.unknownSub("CONFIG", a[1])
	}
	return false
}

func clock(c *conn, _ [][]byte) bool {
	now := time.Now()
	c.reply.array(2)
	c.reply.text(strconv.FormatInt(now.Unix(), 10))
	c.reply.text(strconv.Itoa(now.Nanosecond() / 1000))
	return false
}

func refused(c *conn, a [][]byte) bool {
	c.fail("ERR " + strings.ToUpper(shown(a[0])) + " is not for clients of an agent")
	return false
}

func info(c *conn, a [][]byte) bool {
	s := c.server.space.Engine().Sample()
	v := c.server
	v.mu.Lock()
	clients := len(v.conns)
	v.mu.Unlock()
	var m runtime.MemStats
	if len(a) == 1 || !is(a[1], "KEYSPACE") {
		runtime.ReadMemStats(&m)
	}
	sections := []struct{ name, text string }{
		{"Server", fmt.Sprintf("redis_version:%s\r\nquidnunc_version:%s\r\nredis_mode:standalone\r\nos:%s\r\ntcp_port:%s\r\nuptime_in_seconds:%d\r\n",
			redisVersion, v.opt.Version, runtime.GOOS, portOf(v.addr.String()), int(time.Since(v.started).Seconds()))},
		{"Clients", fmt.Sprintf("connected_clients:%d\r\nmaxclients:%d\r\n", clients, connsMax)},
		{"Memory", fmt.Sprintf("used_memory:%d\r\nstore_memory:%d\r\nmaxmemory:0\r\n", m.HeapAlloc, s.Footprint)},
		{"Stats", fmt.Sprintf("total_connections_received:%d\r\ntotal_commands_processed:%d\r\nrejected_connections:%d\r\ntotal_error_replies:%d\r\nmessages_lost:%d\r\n",
			v.counts.Conns.Load(), v.counts.Commands.Load(), v.counts.Refused.Load(), v.counts.Errors.Load(), v.counts.MessagesLost.Load())},
		{"Replication", fmt.Sprintf("role:master\r\nconnected_slaves:%d\r\n", s.Alive-1)},
		{"Cluster", fmt.Sprintf("cluster_enabled:0\r\nmember:%s\r\nmembers:%d\r\nalive:%d\r\nsuspect:%d\r\ndead:%d\r\nfingerprint:%016x\r\n",
			v.space.Engine().Name(), s.Members, s.ByState[engine.StateAlive], s.ByState[engine.StateSuspect], s.ByState[engine.StateDead], s.Fingerprint)},
		{"Keyspace", fmt.Sprintf("db0:keys=%d,expires=%d,avg_ttl=0\r\n", v.space.Len(), v.space.Ending())},
	}
	var b strings.Builder
	for _, x := range sections {
		if len(a) == 1 || strings.EqualFold(x.name, string(a[1])) || is(a[1], "ALL") || is(a[1], "EVERYTHING") || is(a[1], "DEFAULT") {
			fmt.Fprintf(&b, "# %s\r\n%s\r\n", x.name, x.text)
		}
	}
	c.reply.verbatim(b.String())
	return false
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
