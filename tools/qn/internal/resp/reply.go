package resp

import (
	"math"
	"strconv"
)

// reply is a buffer of answers in one version of the protocol.
type reply struct {
	b     []byte
	proto int // 2 or 3
}

func (r *reply) raw(s string) { r.b = append(r.b, s...) }

func (r *reply) ok() { r.raw("+OK\r\n") }

func (r *reply) simple(s string) { r.raw("+" + s + "\r\n") }

// fail writes an error: its first word is the code.
func (r *reply) fail(text string) {
	r.raw("-")
	for i := range len(text) {
		if text[i] == '\r' || text[i] == '\n' {
			r.b = append(r.b, ' ')
			continue
		}
		r.b = append(r.b, text[i])
	}
	r.raw("\r\n")
}

func (r *reply) number(n int64) { r.head(':', n) }

func (r *reply) flag(b bool) {
	if b {
		r.raw(":1\r\n")
	} else {
		r.raw(":0\r\n")
	}
}

func (r *reply) head(kind byte, n int64) {
	r.b = append(strconv.AppendInt(append(r.b, kind), n, 10), '\r', '\n')
}

func (r *reply) bulk(v []byte) {
	r.head('$', int64(len(v)))
	r.b = append(append(r.b, v...), '\r', '\n')
}

func (r *reply) text(s string) {
	r.head('$', int64(len(s)))
	r.raw(s)
	r.raw("\r\n")
}

// verbatim is a text for people.
func (r *reply) verbatim(s string) {
	if r.proto < 3 {
		r.text(s)
		return
	}
	r.head('=', int64(len(s)+4))
	r.raw("txt:")
	r.raw(s)
	r.raw("\r\n")
}

func (r *reply) null() {
	if r.proto < 3 {
		r.raw("$-1\r\n")
	} else {
		r.raw("_\r\n")
	}
}

func (r *reply) array(n int) { r.head('*', int64(n)) }

// mapOf begins n pairs: in RESP2 an array of twice as many.
func (r *reply) mapOf(n int) {
	if r.proto < 3 {
		r.array(2 * n)
	} else {
		r.head('%', int64(n))
	}
}

// set begins n different values.
func (r *reply) set(n int) {
	if r.proto < 3 {
		r.array(n)
	} else {
		r.head('~', int64(n))
	}
}

// push begins a message that nobody asked for.
func (r *reply) push(n int) {
	if r.proto < 3 {
		r.array(n)
	} else {
		r.head('>', int64(n))
	}
}

// integer reads an argument as Redis does: no plus, no blanks.
func integer(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 20 || b[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// millisMax is the longest lifetime that fits a time.Duration.
const millisMax = math.MaxInt64 / 1_000_000
