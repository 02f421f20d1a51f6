package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Namespace is a network of its own on this machine, with nothing but a loopback
// interface that loses datagrams.
type Namespace struct {
	name string
}

// NewNamespace makes one in which nftables drops a share of what arrives. The
// error says what this machine lacks for it.
func NewNamespace(loss float64) (*Namespace, error) {
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("the command %s is not there", tool)
		}
	}
	n := &Namespace{name: fmt.Sprintf("qn-%d", os.Getpid())}
	if err := run("", "ip", "netns", "add", n.name); err != nil {
		return nil, err
	}
	rules := fmt.Sprintf(`table inet qn { chain in { type filter hook input priority 0;
		meta l4proto udp numgen random mod 10000 < %d drop; } }`, int(loss*10000))
	err := n.run("", "ip", "link", "set", "lo", "up")
	if err == nil && loss > 0 {
		err = n.run(rules, "nft", "-f", "-")
	}
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Command makes the process of a node in the namespace.
func (n *Namespace) Command(args ...string) *exec.Cmd {
	own := ownBinary(args...)
	return exec.Command("ip", append([]string{"netns", "exec", n.name}, own.Args...)...)
}

// Close removes the namespace.
func (n *Namespace) Close() error { return run("", "ip", "netns", "del", n.name) }

func (n *Namespace) run(in string, args ...string) error {
	return run(in, append([]string{"ip", "netns", "exec", n.name}, args...)...)
}

func run(in string, args ...string) error {
	cmd := exec.Command(args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &out
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(out.String())
		if said == "" {
			said = err.Error()
		}
		return errors.New(strings.Join(args, " ") + ": " + said)
	}
	return nil
}
