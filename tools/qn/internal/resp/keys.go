package resp

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

var keyCommands = []command{
	{name: "get", least: 2, most: 2, run: get, keys: true, summary: "The value of a key, from the local replica."},
	{name: "set", least: 3, run: set, keys: true, writes: true, summary: "Writes a key. NX and XX hold for what this agent knows."},
	{name: "setex", least: 4, most: 4, run: func(c *conn, a [][]byte) bool { return c.setFor(a, time.Second) }, keys: true, writes: true, summary: "Writes a key with a lifetime in seconds."},
	{name: "psetex", least: 4, most: 4, run: func(c *conn, a [][]byte) bool { return c.setFor(a, time.Millisecond) }, keys: true, writes: true, summary: "Writes a key with a lifetime in milliseconds."},
	{name: "setnx", least: 3, most: 3, run: setnx, keys: true, writes: true, summary: "Writes a key if there is none."},
	{name: "getdel", least: 2, most: 2, run: getdel, keys: true, writes: true, summary: "Reads a key and deletes it."},
	{name: "getset", least: 3, most: 3, run: func(c *conn, a [][]byte) bool { return set(c, append(a, []byte("GET"))) }, keys: true, writes: true, summary: "Reads a key and writes it."},
	{name: "getex", least: 2, run: getex, keys: true, writes: true, summary: "Reads a key and changes its lifetime."},
	{name: "mget", least: 2, run: mget, keys: true, summary: "The values of several keys."},
	{name: "mset", least: 3, run: mset, keys: true, writes: true, summary: "Writes several keys, one after the other."},
	{name: "del", least: 2, run: del, keys: true, writes: true, summary: "Deletes keys."},
	{name: "unlink", least: 2, run: del, keys: true, writes: true, summary: "Deletes keys."},
	{name: "exists", least: 2, run: exists, keys: true, summary: "Counts the keys that are there."},
	{name: "touch", least: 2, run: exists, keys: true, summary: "Counts the keys that are there."},
	{name: "type", least: 2, most: 2, run: typeOf, keys: true, summary: "string for a key, hash for a member, or none."},
	{name: "strlen", least: 2, most: 2, run: strlen, keys: true, summary: "The length of a value."},
	{name: "incr", least: 2, most: 2, run: func(c *conn, a [][]byte) bool { return c.add(a[1], 1) }, keys: true, writes: true, summary: "Adds 1 to a key."},
	{name: "decr", least: 2, most: 2, run: func(c *conn, a [][]byte) bool { return c.add(a[1], -1) }, keys: true, writes: true, summary: "Takes 1 from a key."},
	{name: "decrby", least: 3, most: 3, run: func(c *conn, a [][]byte) bool { return c.addWord(a, true) }, keys: true, writes: true, summary: "Takes a number from a key."},
	{name: "incrby", least: 3, most: 3, run: func(c *conn, a [][]byte) bool { return c.addWord(a, false) }, keys: true, writes: true, summary: "Adds a number to a key."},
	{name: "ttl", least: 2, most: 2, run: func(c *conn, a [][]byte) bool { return c.ttl(a[1], time.Second) }, keys: true, summary: "What is left of a lifetime in seconds; -1 none, -2 no key."},
	{name: "pttl", least: 2, most: 2, run: func(c *conn, a [][]byte) bool { return c.ttl(a[1], time.Millisecond) }, keys: true, summary: "What is left of a lifetime in milliseconds."},
	{name: "expire", least: 3, most: 4, run: func(c *conn, a [][]byte) bool { return c.expire(a, time.Second, false) }, keys: true, writes: true, summary: "Gives a key a lifetime in seconds."},
	{name: "pexpire", least: 3, most: 4, run: func(c *conn, a [][]byte) bool { return c.expire(a, time.Millisecond, false) }, keys: true, writes: true, summary: "Gives a key a lifetime in milliseconds."},
	{name: "expireat", least: 3, most: 4, run: func(c *conn, a [][]byte) bool { return c.expire(a, time.Second, true) }, keys: true, writes: true, summary: "Lets a key end at a time."},
	{name: "pexpireat", least: 3, most: 4, run: func(c *conn, a [][]byte) bool { return c.expire(a, time.Millisecond, true) }, keys: true, writes: true, summary: "Lets a key end at a time in milliseconds."},
	{name: "persist", least: 2, most: 2, run: persist, keys: true, writes: true, summary: "Takes the lifetime from a key."},
	{name: "wait", least: 3, most: 3, run: wait, summary: "Waits until so many other live members hold what this connection wrote, and says how many do."},
}

func get(c *conn, a [][]byte) bool {
	value, _, ok := c.server.space.AppendGet(c.value[:0], string(a[1]))
	if !ok {
		c.reply.null()
	} else {
		c.reply.bulk(value)
	}
	return false
}

// problem answers with what went wrong. Where the engine's stage is full, it answers nothing: the
// request stays unserved and is tried again, so that a client that writes faster than can be
// published is slowed down instead of refused.
func (c *conn) problem(err error) bool {
	var throttled *engine.BackpressureError
	if errors.Is(err, engine.ErrBackpressure) && !errors.As(err, &throttled) {
		c.again = true
		return false
	}
	c.fail(problemText(err))
	return false
}

func problemText(err error) string {
	switch {
	case errors.Is(err, engine.ErrBackpressure):
		return "ERR writes come faster than they can be published: " + exit.Plain(err)
	case errors.Is(err, engine.ErrTTL):
		return "ERR invalid expire time"
	}
	return "ERR " + exit.Plain(err)
}

// written answers to a write and keeps its version for WAIT.
func (c *conn) written(v engine.Version) {
	if v.Compare(c.last) > 0 {
		c.last = v
	}
}

// set is SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL].
func set(c *conn, a [][]byte) bool {
	p, text := setWords(a[3:])
	if text != "" {
		c.fail(text)
		return false
	}
	r, err := c.server.space.Set(string(a[1]), a[2], p)
	switch {
	case err != nil:
		return c.problem(err)
	case p.Old && r.Old != nil:
		c.reply.bulk(r.Old)
	case p.Old, !r.Written:
		c.reply.null()
	default:
		c.reply.ok()
	}
	c.written(r.Version)
	return false
}

// setWords reads what follows key and value; text says what is wrong.
func setWords(a [][]byte) (p space.Put, text string) {
	const syntax = "ERR syntax error"
	lifetime := false
	for i := 0; i < len(a); i++ {
		unit, at, timed := lifetimeWord(a[i])
		switch {
		case is(a[i], "NX"):
			p.Absent = true
		case is(a[i], "XX"):
			p.Present = true
		case is(a[i], "GET"):
			p.Old = true
		case is(a[i], "KEEPTTL"):
			p.Keep = true
		case timed && i+1 < len(a) && !lifetime:
			i++
			if p.TTL, text = readLifetime(a[i], unit, at, "set"); text != "" {
				return p, text
			}
			lifetime = true
		default:
			return p, syntax
		}
	}
	if p.Absent && p.Present || p.Keep && lifetime {
		return p, syntax
	}
	return p, ""
}

func (c *conn) setFor(a [][]byte, unit time.Duration) bool {
	name := "setex"
	if unit == time.Millisecond {
		name = "psetex"
	}
	ttl, text := readLifetime(a[2], unit, false, name)
	if text != "" {
		c.fail(text)
		return false
	}
	r, err := c.server.space.Set(string(a[1]), a[3], space.Put{TTL: ttl})
	if err != nil {
		return c.problem(err)
	}
	c.written(r.Version)
	c.reply.ok()
	return false
}

func setnx(c *conn, a [][]byte) bool {
	r, err := c.server.space.Set(string(a[1]), a[2], space.Put{Absent: true})
	if err != nil {
		return c.problem(err)
	}
	c.written(r.Version)
	c.reply.flag(r.Written)
	return false
}

func getdel(c *conn, a [][]byte) bool {
	value, was, v, err := c.server.space.Take(c.value[:0], string(a[1]))
	switch {
	case err != nil:
		return c.problem(err)
	case !was:
		c.reply.null()
	default:
		c.written(v)
		c.reply.bulk(value)
	}
	return false
}

// getex is GETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST].
func getex(c *conn, a [][]byte) bool {
	name := string(a[1])
	ttl, change := time.Duration(0), false
	switch {
	case len(a) == 2:
	case len(a) == 3 && is(a[2], "PERSIST"):
		change = true
	case len(a) == 4:
		unit, at, ok := lifetimeWord(a[2])
		if !ok {
			c.fail("ERR syntax error")
			return false
		}
		var text string
		if ttl, text = readLifetime(a[3], unit, at, "getex"); text != "" {
			c.fail(text)
			return false
		}
		change = true
	default:
		c.fail("ERR syntax error")
		return false
	}
	value, _, ok := c.server.space.AppendGet(c.value[:0], name)
	if !ok {
		c.reply.null()
		return false
	}
	if change {
		if _, err := c.server.space.Expire(name, ttl); err != nil {
			return c.problem(err)
		}
		c.written(c.server.space.Last())
	}
	c.reply.bulk(value)
	return false
}

func mget(c *conn, a [][]byte) bool {
	c.reply.array(len(a) - 1)
	for i := range a[1:] {
		get(c, a[i:i+2])
	}
	return false
}

func mset(c *conn, a [][]byte) bool {
	if len(a)%2 == 0 {
		c.fail("ERR wrong number of arguments for 'mset' command")
		return false
	}
	for i := 1; i < len(a); i += 2 {
		r, err := c.server.space.Set(string(a[i]), a[i+1], space.Put{})
		if err != nil {
			return c.problem(err)
		}
		c.written(r.Version)
	}
	c.reply.ok()
	return false
}

func del(c *conn, a [][]byte) bool {
	n := int64(0)
	for _, name := range a[1:] {
		was, v, err := c.server.space.Delete(string(name))
		if err != nil && n > 0 { // to begin again would not count what is gone
			c.fail(problemText(err))
			return false
		}
		if err != nil {
			return c.problem(err)
		}
		if was {
			c.written(v)
			n++
		}
	}
	c.reply.number(n)
	return false
}

func exists(c *conn, a [][]byte) bool {
	n := int64(0)
	for _, name := range a[1:] {
		if c.server.space.Has(string(name)) {
			n++
		}
	}
	c.reply.number(n)
	return false
}

func typeOf(c *conn, a [][]byte) bool {
	switch {
	case c.server.space.Has(string(a[1])):
		c.reply.simple("string")
	case c.isMember(string(a[1])):
		c.reply.simple("hash")
	default:
		c.reply.simple("none")
	}
	return false
}

func (c *conn) isMember(name string) bool {
	for m := range c.server.space.Engine().Members() {
		if m.Name == name {
			return true
		}
	}
	return false
}

func strlen(c *conn, a [][]byte) bool {
	value, _, _ := c.server.space.AppendGet(c.value[:0], string(a[1]))
	c.reply.number(int64(len(value)))
	return false
}

func (c *conn) add(name []byte, by int64) bool {
	sum, err := c.server.space.Add(string(name), by)
	if err != nil {
		return c.problem(err)
	}
	c.written(c.server.space.Last())
	c.reply.number(sum)
	return false
}

func (c *conn) addWord(a [][]byte, minus bool) bool {
	by, ok := integer(a[2])
	if !ok || minus && by == math.MinInt64 {
		return c.problem(space.ErrNotNumber)
	}
	if minus {
		by = -by
	}
	return c.add(a[1], by)
}

const (
	waitMax  = 10 * time.Minute       // of WAIT n 0
	waitPoll = 100 * time.Microsecond // at first; doubled up to waitSlow
	waitSlow = 5 * time.Millisecond
)

// wait is WAIT members milliseconds: it parks the connection, never the loop.
func wait(c *conn, a [][]byte) bool {
	members, ok1 := integer(a[1])
	millis, ok2 := integer(a[2])
	if !ok1 || !ok2 {
		return c.problem(space.ErrNotNumber)
	}
	if millis < 0 {
		c.fail("ERR timeout is negative")
		return false
	}
	span := waitMax
	if millis > 0 && millis < int64(waitMax/time.Millisecond) {
		span = time.Duration(millis) * time.Millisecond
	}
	eng, version := c.server.space.Engine(), c.last
	return c.later(func(ctx context.Context, r *reply) {
		ctx, cancel := context.WithTimeout(ctx, span)
		defer cancel()
		pause := waitPoll
		again := time.NewTimer(pause)
		defer again.Stop()
		for {
			have, err := confirmed(eng, version)
			if err != nil {
				r.fail(problemText(err))
				return
			}
			if int64(have) >= members || ctx.Err() != nil {
				r.number(int64(have))
				return
			}
			select {
			case <-again.C:
				pause = min(2*pause, waitSlow)
				again.Reset(pause)
			case <-ctx.Done():
			}
		}
	})
}

// confirmed is how many others have what a connection wrote last: all that live, if it wrote
// nothing.
func confirmed(eng *engine.Engine, v engine.Version) (have int, err error) {
	if v.IsZero() {
		return max(0, eng.NumMembers()-1), nil
	}
	have, _, err = eng.Confirmed(v)
	return have, err
}

func count(b []byte) (n int, ok bool) {
	v, err := strconv.Atoi(string(b))
	return v, err == nil && v > 0
}
