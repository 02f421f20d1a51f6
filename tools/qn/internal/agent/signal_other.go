//go:build !unix

package agent

import "os"

// hangup does nothing where there is no such signal.
func hangup(chan<- os.Signal) {}
