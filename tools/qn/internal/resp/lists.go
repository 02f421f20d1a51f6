package resp

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

var listCommands = []command{
	{name: "dbsize", least: 1, most: 1, run: listed(dbsize), summary: "How many keys there are, of all members."},
	{name: "keys", least: 2, most: 2, run: listed(keys), summary: "The names that match a pattern."},
	{name: "scan", least: 2, run: scan, summary: "Some names, from a cursor on."},
	{name: "randomkey", least: 1, most: 1, run: listed(randomKey), summary: "Any name."},
	{name: "hgetall", least: 2, most: 2, run: listed(hgetall), keys: true, summary: "All keys of a member with their values."},
	{name: "hkeys", least: 2, most: 2, run: listed(hkeys), keys: true, summary: "All keys of a member."},
	{name: "hlen", least: 2, most: 2, run: listed(hlen), keys: true, summary: "How many keys a member has."},
	{name: "hexists", least: 3, most: 3, run: hexists, keys: true, summary: "Whether a member has a key."},
	{name: "hget", least: 3, most: 3, run: hget, keys: true, summary: "A key of a member."},
}

// syncMax is how long a list waits for own writes to be in it.
const syncMax = time.Second

// listed runs what walks over many keys outside the loop, after the own writes are in the index.
func listed(f func(s *space.Space, a []string, r *reply)) func(c *conn, a [][]byte) bool {
	return func(c *conn, a [][]byte) bool {
		words := make([]string, len(a))
		for i := range a {
			words[i] = string(a[i])
		}
		s := c.server.space
		return c.later(func(ctx context.Context, r *reply) {
			ctx, cancel := context.WithTimeout(ctx, syncMax)
			defer cancel()
			_ = s.Sync(ctx) // in vain: then the list is as old as that
			f(s, words, r)
		})
	}
}

func dbsize(s *space.Space, _ []string, r *reply) { r.number(int64(s.Len())) }

func keys(s *space.Space, a []string, r *reply) {
	all, _ := s.Scan(0, math.MaxInt)
	var names []string
	for _, n := range all {
		if name := nameOf(s, n.Member, n.Key); glob(a[1], name) {
			names = append(names, name)
		}
	}
	r.array(len(names))
	for _, name := range names {
		r.text(name)
	}
}

// scan is SCAN cursor [MATCH pattern] [COUNT n] [TYPE string].
func scan(c *conn, a [][]byte) bool {
	cursor, ok := integer(a[1])
	if !ok || cursor < 0 {
		c.fail("ERR invalid cursor")
		return false
	}
	pattern, most, kind := "*", 10, "string"
	for i := 2; i < len(a); i += 2 {
		switch {
		case i+1 == len(a):
			c.fail("ERR syntax error")
			return false
		case is(a[i], "MATCH"):
			pattern = string(a[i+1])
		case is(a[i], "TYPE"):
			kind = string(a[i+1])
		case is(a[i], "COUNT"):
			if most, ok = count(a[i+1]); !ok {
				return c.problem(space.ErrNotNumber)
			}
		default:
			c.fail("ERR syntax error")
			return false
		}
	}
	return listed(func(s *space.Space, _ []string, r *reply) {
		found, next := s.Scan(uint64(cursor), most)
		var names []string
		for _, n := range found {
			if name := nameOf(s, n.Member, n.Key); kind == "string" && glob(pattern, name) {
				names = append(names, name)
			}
		}
		r.array(2)
		r.text(strconv.FormatUint(next, 10))
		r.array(len(names))
		for _, name := range names {
			r.text(name)
		}
	})(c, nil)
}

func randomKey(s *space.Space, _ []string, r *reply) {
	if n, ok := s.Any(); ok {
		r.text(nameOf(s, n.Member, n.Key))
	} else {
		r.null()
	}
}

func hgetall(s *space.Space, a []string, r *reply) {
	body := reply{proto: r.proto}
	n := 0
	for key, e := range s.Engine().Range(a[1]) {
		body.bulk(key)
		body.bulk(e.Value)
		n++
	}
	r.mapOf(n)
	r.b = append(r.b, body.b...)
}

func hkeys(s *space.Space, a []string, r *reply) {
	body := reply{proto: r.proto}
	n := 0
	for key := range s.Engine().Range(a[1]) {
		body.bulk(key)
		n++
	}
	r.array(n)
	r.b = append(r.b, body.b...)
}

func hlen(s *space.Space, a []string, r *reply) {
	n := int64(0)
	for range s.Engine().Range(a[1]) {
		n++
	}
	r.number(n)
}

func hget(c *conn, a [][]byte) bool {
	value, _, ok := c.server.space.Engine().AppendGet(c.value[:0], string(a[1]), string(a[2]))
	if !ok {
		c.reply.null()
	} else {
		c.reply.bulk(value)
	}
	return false
}

func hexists(c *conn, a [][]byte) bool {
	_, _, ok := c.server.space.Engine().AppendGet(c.value[:0], string(a[1]), string(a[2]))
	c.reply.flag(ok)
	return false
}
