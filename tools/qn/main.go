// Command qn is Quidnunc's one tool: it runs members, shows and asks clusters, loads them and
// simulates them. Run "qn help" for its verbs.
package main

import (
	"os"

	"github.com/quidnunc/quidnunc/tools/qn/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
