package resp

import (
	"sort"
	"strings"
)

// command is one verb. least and most count the verb itself; most 0 means any number.
type command struct {
	name        string // in lower case
	least, most int
	run         func(c *conn, args [][]byte) (waits bool)
	open        bool // before AUTH too
	subscribed  bool // in RESP2 also while there are subscriptions
	writes      bool
	keys        bool   // the first argument is a key
	summary     string // for COMMAND DOCS
}

// table has the commands by name.
var table map[string]*command

func init() { // commands refer to the table: COMMAND lists it
	table = map[string]*command{}
	for _, list := range [][]command{connectionCommands, keyCommands, listCommands, messageCommands} {
		for i := range list {
			table[list[i].name] = &list[i]
		}
	}
}

func sortedCommands() (names []string) {
	for name := range table {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// find looks a verb up without an allocation for those that clients send most.
func find(verb []byte) *command {
	var lower [24]byte
	if len(verb) > len(lower) {
		return nil
	}
	for i, b := range verb {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		lower[i] = b
	}
	return table[string(lower[:len(verb)])]
}

// serve runs one request. It reports whether the connection's next ones have to wait.
func (c *conn) serve(args [][]byte) (waits bool) {
	c.server.counts.Commands.Add(1)
	cmd := find(args[0])
	switch {
	case cmd == nil && webWord(args[0]): // a page made a browser send it
		c.server.counts.Protocol.Add(1)
		c.quit = true
		return true
	case cmd == nil:
		c.unknown(args)
	case !c.authed && !cmd.open:
		c.reply.fail("NOAUTH Authentication required.")
	case len(args) < cmd.least || cmd.most > 0 && len(args) > cmd.most:
		c.fail("ERR wrong number of arguments for '" + cmd.name + "' command")
	case c.reply.proto < 3 && !cmd.subscribed && c.server.subs.count(c) > 0:
		c.fail("ERR Can't execute '" + cmd.name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	default:
		return cmd.run(c, args)
	}
	return false
}

// fail answers with an error and counts it.
func (c *conn) fail(text string) {
	c.server.counts.Errors.Add(1)
	c.reply.fail(text)
}

func (c *conn) unknown(args [][]byte) {
	var b strings.Builder
	b.WriteString("ERR unknown command '" + shown(args[0]) + "', with args beginning with: ")
	for _, a := range args[1:min(len(args), 8)] {
		b.WriteString("'" + shown(a) + "' ")
	}
	c.fail(b.String())
}

// shown is a client's word as an error repeats it.
func shown(word []byte) string { return string(word[:min(len(word), 128)]) }

func (c *conn) unknownSub(verb string, sub []byte) {
	c.fail("ERR unknown subcommand '" + shown(sub) + "'. Try " + verb + " HELP.")
}
