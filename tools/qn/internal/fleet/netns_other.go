//go:build !linux

package fleet

import (
	"errors"
	"os/exec"
)

// Namespace is a network of its own, which only Linux has.
type Namespace struct{}

// NewNamespace fails here.
func NewNamespace(float64) (*Namespace, error) {
	return nil, errors.New("only Linux has network namespaces")
}

// Command is that of a node outside.
func (n *Namespace) Command(args ...string) *exec.Cmd { return ownBinary(args...) }

// Close does nothing.
func (n *Namespace) Close() error { return nil }
