package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quidnunc/quidnunc/tools/qn/internal/load"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitUnconverged = 3
	ExitInterrupted = 130
)

// errUnconverged is returned after the result has been printed: the result says what differs.
var errUnconverged = errors.New("replicas differ")

// usageError is a mistake in the command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// exitCode prints err, if there is something to say, and chooses the code.
func exitCode(err error, stderr io.Writer) int {
	var usage usageError
	var flag *load.FlagError
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, errUnconverged):
		return ExitUnconverged
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "error: interrupted")
		return ExitInterrupted
	case errors.As(err, &flag), errors.As(err, &usage):
		fmt.Fprintf(stderr, "error: %v\n", err)
		return ExitUsage
	}
	fmt.Fprintf(stderr, "error: %v\n", err)
	return ExitFailed
}
