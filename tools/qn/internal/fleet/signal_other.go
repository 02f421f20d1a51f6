//go:build !unix

package fleet

import (
	"errors"
	"os"
)

var errNoStop = errors.New("a process can't be stopped and resumed here")

func stop(*os.Process) error   { return errNoStop }
func resume(*os.Process) error { return errNoStop }
