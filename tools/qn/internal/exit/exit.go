package exit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The codes of qn. They are documented by "qn help exit-codes".
const (
	OK          = 0
	Failed      = 1   // failed while running
	Usage       = 2   // wrong command line or configuration
	No          = 3   // it ran, and the answer is no: not equal, not healthy, no such key, outside its band
	Unreachable = 4   // no agent answers
	Interrupted = 130 // by a signal
)

// coded is an error with its code. A quiet one has been told already, by the result itself.
type coded struct {
	error
	code  int
	quiet bool
}

func (c coded) Unwrap() error { return c.error }

// Usagef is a mistake in the command line: it names the flag, the value and the fix.
func Usagef(format string, args ...any) error {
	return coded{fmt.Errorf(format, args...), Usage, false}
}

// Nof says that the answer is no, and why.
func Nof(format string, args ...any) error { return coded{fmt.Errorf(format, args...), No, false} }

// Unreachablef says that nobody is there to be asked.
func Unreachablef(format string, args ...any) error {
	return coded{fmt.Errorf(format, args...), Unreachable, false}
}

// Told is a no that the result, already printed, has explained.
func Told(why string) error { return coded{errors.New(why), No, true} }

// Code is the exit code for err.
func Code(err error) int {
	var c coded
	switch {
	case err == nil:
		return OK
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Failed
}

// Plain is what an error says to people who use a command or a front, and not the engine's package.
func Plain(err error) string { return strings.TrimPrefix(err.Error(), "engine: ") }

// Report prints what there is to say of err, one line, and returns its code.
func Report(w io.Writer, err error) int {
	var c coded
	code := Code(err)
	switch {
	case err == nil, errors.As(err, &c) && c.quiet:
	case code == Interrupted:
		fmt.Fprintln(w, "error: interrupted")
	default:
		fmt.Fprintf(w, "error: %s\n", Plain(err))
	}
	return code
}
