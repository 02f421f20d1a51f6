package resp

import (
	"bytes"
	"errors"
	"strconv"
)

// Limits of one request.
const (
	argsMax    = 1024
	bulkMax    = 4 << 20 // the engine says how long a value may be
	inlineMax  = 64 << 10
	headMax    = 32 // "$65536\r\n" and the like
	requestMax = 8 << 20
)

// Errors that end a connection: what follows can't be told apart any more. They
// are words of the protocol, as Redis says them.
//
//lint:file-ignore ST1005 clients know these texts with their capitals
var (
	errMultibulk = errors.New("Protocol error: invalid multibulk length")
	errBulk      = errors.New("Protocol error: invalid bulk length")
	errDollar    = errors.New("Protocol error: expected '$'")
	errInline    = errors.New("Protocol error: too big inline request")
	errQuotes    = errors.New("Protocol error: unbalanced quotes in request")
	errHTTP      = errors.New("HTTP is not spoken here")
)

// parse reads one request from the beginning of b. It appends its arguments, which are views of b,
// to args. used is 0 if the request is not whole yet: then it can't be before b has need bytes. A
// request may be empty: used without arguments.
func parse(b []byte, args [][]byte) (used, need int, list [][]byte, err error) {
	if len(b) == 0 {
		return 0, 1, args, nil
	}
	if b[0] != '*' {
		return inline(b, args)
	}
	count, at, err := head(b, 0, argsMax, errMultibulk)
	if at == 0 || err != nil {
		return 0, len(b) + 1, args, err
	}
	for range count {
		if at == len(b) {
			return 0, at + 1, args, nil
		}
		if b[at] != '$' {
			return 0, 0, args, errDollar
		}
		size, next, err := head(b, at, bulkMax, errBulk)
		if err != nil {
			return 0, 0, args, err
		}
		if next == 0 {
			return 0, len(b) + 1, args, nil
		}
		if size < 0 {
			return 0, 0, args, errBulk
		}
		end := next + size
		if end > requestMax {
			return 0, 0, args, errBulk
		}
		if end+2 > len(b) {
			return 0, end + 2, args, nil
		}
		if b[end] != '\r' || b[end+1] != '\n' {
			return 0, 0, args, errBulk
		}
		args = append(args, b[next:end:end])
		at = end + 2
	}
	return at, 0, args, nil
}

// head reads a type byte, a number and a line end at b[at]. next is 0 if the line is not whole.
func head(b []byte, at, most int, bad error) (n, next int, err error) {
	line := b[at+1:]
	end := bytes.IndexByte(line[:min(len(line), headMax)], '\n')
	if end < 0 {
		if len(line) >= headMax {
			return 0, 0, bad
		}
		return 0, 0, nil
	}
	if end == 0 || line[end-1] != '\r' {
		return 0, 0, bad
	}
	n, err = strconv.Atoi(string(line[:end-1]))
	if err != nil || n > most || n < -1 {
		return 0, 0, bad
	}
	return n, at + 1 + end + 1, nil
}

// inline reads a command as people type it.
func inline(b []byte, args [][]byte) (used, need int, list [][]byte, err error) {
	end := bytes.IndexByte(b[:min(len(b), inlineMax)], '\n')
	if end < 0 {
		if len(b) >= inlineMax {
			return 0, 0, args, errInline
		}
		return 0, len(b) + 1, args, nil
	}
	line := bytes.TrimSuffix(b[:end], []byte{'\r'})
	first := len(args)
	for len(args) < first+argsMax {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			break
		}
		var word []byte
		if word, line, err = nextWord(line); err != nil {
			return 0, 0, args, err
		}
		args = append(args, word)
	}
	if len(args) > first && webWord(args[first]) {
		return 0, 0, args, errHTTP
	}
	return end + 1, 0, args, nil
}

// nextWord cuts a word off, without the quotes around it.
func nextWord(line []byte) (word, rest []byte, err error) {
	if q := line[0]; q == '"' || q == '\'' {
		end := bytes.IndexByte(line[1:], q)
		if end < 0 {
			return nil, nil, errQuotes
		}
		word, rest = line[1:1+end], line[2+end:]
		if len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
			return nil, nil, errQuotes
		}
		return word, rest, nil
	}
	end := bytes.IndexAny(line, " \t")
	if end < 0 {
		end = len(line)
	}
	return line[:end:end], line[end:], nil
}

// webWord reports what only HTTP begins a line with.
func webWord(word []byte) bool {
	return bytes.EqualFold(word, []byte("post")) || bytes.EqualFold(word, []byte("host:"))
}
