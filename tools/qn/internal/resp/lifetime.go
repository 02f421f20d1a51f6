package resp

import (
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// lifetimeWord reads EX, PX, EXAT and PXAT.
func lifetimeWord(word []byte) (unit time.Duration, at, ok bool) {
	switch {
	case is(word, "EX"):
		return time.Second, false, true
	case is(word, "PX"):
		return time.Millisecond, false, true
	case is(word, "EXAT"):
		return time.Second, true, true
	case is(word, "PXAT"):
		return time.Millisecond, true, true
	}
	return 0, false, false
}

// readLifetime reads a number of units, from now or from the epoch; text says what is wrong with
// it. What is over already is a nanosecond.
func readLifetime(word []byte, unit time.Duration, at bool, verb string) (ttl time.Duration, text string) {
	n, ok := integer(word)
	if !ok {
		return 0, "ERR value is not an integer or out of range"
	}
	if n <= 0 || n > millisMax/int64(unit/time.Millisecond) {
		return 0, "ERR invalid expire time in '" + verb + "' command"
	}
	ttl = time.Duration(n) * unit
	if at {
		ttl = max(1, time.Until(time.Unix(0, 0).Add(ttl)))
	}
	return ttl, ""
}

func (c *conn) ttl(name []byte, unit time.Duration) bool {
	_, info, ok := c.server.space.AppendGet(c.value[:0], string(name))
	switch {
	case !ok:
		c.reply.number(-2)
	case info.TTL == 0:
		c.reply.number(-1)
	default:
		c.reply.number(int64((info.Left + unit/2) / unit))
	}
	return false
}

func (c *conn) expire(a [][]byte, unit time.Duration, at bool) bool {
	n, ok := integer(a[2])
	if !ok {
		return c.problem(space.ErrNotNumber)
	}
	if n > millisMax/int64(unit/time.Millisecond) || n < -millisMax/int64(unit/time.Millisecond) {
		c.fail("ERR invalid expire time in '" + strings.ToLower(string(a[0])) + "' command")
		return false
	}
	ttl := time.Duration(n) * unit
	if at {
		ttl = time.Until(time.Unix(0, 0).Add(ttl))
	}
	if len(a) == 4 {
		switch allowed, known := c.mayExpire(a[1], a[3], ttl); {
		case !known:
			c.fail("ERR Unsupported option " + shown(a[3]))
			return false
		case !allowed:
			c.reply.flag(false)
			return false
		}
	}
	if ttl <= 0 {
		ttl = -1
	}
	done, err := c.server.space.Expire(string(a[1]), ttl)
	if err != nil {
		return c.problem(err)
	}
	c.written(c.server.space.Last())
	c.reply.flag(done)
	return false
}

// mayExpire is the condition of EXPIRE: NX no lifetime yet, XX one, GT a longer one than there is,
// LT a shorter one. None counts as the longest.
func (c *conn) mayExpire(name, word []byte, ttl time.Duration) (allowed, known bool) {
	_, info, _ := c.server.space.AppendGet(c.value[:0], string(name))
	has := info.TTL > 0
	switch {
	case is(word, "NX"):
		return !has, true
	case is(word, "XX"):
		return has, true
	case is(word, "GT"):
		return has && ttl > info.Left, true
	case is(word, "LT"):
		return !has || ttl < info.Left, true
	}
	return false, false
}

func persist(c *conn, a [][]byte) bool {
	done, err := c.server.space.Expire(string(a[1]), 0)
	if err != nil {
		return c.problem(err)
	}
	c.written(c.server.space.Last())
	c.reply.flag(done)
	return false
}
