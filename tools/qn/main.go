// Command qn is Quidnunc's one tool: it loads, watches and explains a cluster. Run "qn help" for its verbs.
package main

import (
	"os"

	"github.com/quidnunc/quidnunc/tools/qn/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
