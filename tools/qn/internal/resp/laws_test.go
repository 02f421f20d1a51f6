package resp

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestEachWriteIsWaitedFor: what a command has written is what the next WAIT of its connection waits
// for, whichever command it was.
func TestEachWriteIsWaitedFor(t *testing.T) {
	f := startFront(t, "web-1", "")
	c := &conn{server: f.server, reply: reply{proto: 2}}
	do := func(line string) string {
		var words [][]byte
		for _, w := range strings.Fields(line) {
			words = append(words, []byte(w))
		}
		for _, row := range table {
			if row.name == string(words[0]) {
				for again := true; again; again = c.again {
					c.reply.b, c.again = c.reply.b[:0], false
					row.run(c, words)
				}
				return string(c.reply.b)
			}
		}
		t.Fatalf("%s: there is no such command", words[0])
		return ""
	}
	soon := strconv.FormatInt(time.Now().Unix()+1000, 10)
	writes := map[string]string{
		"set": "set k v", "setex": "setex k 100 v", "psetex": "psetex k 100000 v", "setnx": "setnx k v", "getdel": "getdel k",
		"getset": "getset k v", "getex": "getex k ex 100", "mset": "mset k v", "del": "del k", "unlink": "unlink k",
		"incr": "incr n", "decr": "decr n", "incrby": "incrby n 2", "decrby": "decrby n 2",
		"expire": "expire k 100", "pexpire": "pexpire k 100000", "expireat": "expireat k " + soon, "pexpireat": "pexpireat k " + soon + "000",
		"persist": "persist k",
	}
	before := map[string]string{"setnx": "del k", "persist": "setex k 100 v"}
	for _, row := range table {
		if row.writes && writes[row.name] == "" && row.keys {
			t.Errorf("%s writes and has no row here", row.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(writes)) {
		do("set k v")
		do("set n 1")
		if first := before[name]; first != "" {
			do(first)
		}
		was := c.last
		answer := do(writes[name])
		if last := f.server.space.Last(); answer == "" || answer[0] == '-' || c.last.Compare(was) <= 0 || c.last != last {
			t.Errorf("%s: %q, WAIT waits for %v, it was %v, and the newest write is %v", writes[name], answer, c.last, was, last)
		}
	}
}

// TestPublishCountsWhoHears: PUBLISH answers how many messages it makes here: one for each channel and
// each pattern that each client listens to.
func TestPublishCountsWhoHears(t *testing.T) {
	f := startFront(t, "web-1", "")
	p := f.dial(t)
	listens := [][]string{{"subscribe news"}, {"subscribe news other"}, {"psubscribe n*"}, {"psubscribe n*"}, {"psubscribe n* *s o*", "subscribe news"}, {"subscribe other"}}
	heard := []int{1, 1, 1, 1, 3, 0}
	var clients []*talker
	for _, lines := range listens {
		c := f.dial(t)
		for _, line := range lines {
			words := strings.Fields(line)
			c.send(words...)
			for range words[1:] {
				c.read()
			}
		}
		clients = append(clients, c)
	}
	total := 0
	for _, n := range heard {
		total += n
	}
	if got := p.do("PUBLISH", "news", "x"); got != ":"+strconv.Itoa(total) {
		t.Errorf("PUBLISH answers %s, %d messages are told", got, total)
	}
	if got := p.do("PUBLISH", "nobody", "x"); got != ":3" {
		t.Errorf("PUBLISH answers %s for those who listen to n*", got)
	}
	p.do("PUBLISH", "other", "last")
	for i, c := range clients {
		n := 0
		for range heard[i] {
			if got := c.read(); strings.HasSuffix(got, " news x]") {
				n++
			}
		}
		if n != heard[i] {
			t.Errorf("client %d heard %d of %d", i, n, heard[i])
		}
	}
}
