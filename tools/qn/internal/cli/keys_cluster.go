package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

func newKeysList() *cobra.Command {
	var a agentFlags
	return a.command("list", "Show where the cluster stands with each key", `  qn keys list                               who lacks which, who seals with which
  qn keys list -o json                       for a script
  qn keys list --agent 127.0.0.1:7948        as another agent sees it`, func(cmd *cobra.Command, _ []string) error {
		list, err := get[[]api.KeyState](cmd.Context(), &a, "/v1/keys")
		if err != nil {
			return err
		}
		return a.output.Print(cmd.OutOrStdout(), list, func(w io.Writer) error { return printKeys(w, list) })
	})
}

func printKeys(w io.Writer, list []api.KeyState) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no keys: this cluster speaks in clear")
		return err
	}
	return table(w, "KEY STATE LACKED-BY SEALS-AT", func(row func(string, ...any)) {
		for _, k := range list {
			row("%d|%s|%s|%s", k.ID, k.State, dash(strings.Join(k.Lacking, ",")), dash(strings.Join(k.Sealing, ",")))
		}
	})
}

func newKeysInstall() *cobra.Command {
	var a agentFlags
	return a.command("install FILE", "Step 1: give a new key to all members", `  qn keys gen --id 2 --out next.key && qn keys install next.key
  qn keys install next.key -o json           for a script
  qn keys install next.key --agent 127.0.0.1:7948`, func(cmd *cobra.Command, args []string) error {
		b, err := os.ReadFile(args[0])
		if err != nil {
			return exit.Usagef("%w; fix: qn keys gen --id 2 --out %s", err, args[0])
		}
		return keyStep(cmd, &a, "install", bytes.TrimSpace(b))
	})
}

func newKeysUse() *cobra.Command {
	var a agentFlags
	return a.command("use ID", "Step 2: let all members seal with a key that all of them hold", `  qn keys use 2
  qn keys use 2 -o json                      for a script
  qn keys use 2 --agent 127.0.0.1:7948`, keyNumber(&a, "use"))
}

func newKeysRemove() *cobra.Command {
	var a agentFlags
	return a.command("remove ID", "Step 3: let all members forget a key that none of them seals with", `  qn keys remove 1
  qn keys remove 1 -o json                   for a script
  qn keys remove 1 --agent 127.0.0.1:7948`, keyNumber(&a, "remove"))
}

func keyNumber(a *agentFlags, step string) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if id, err := strconv.ParseUint(args[0], 10, 8); err != nil || id == 0 {
			return exit.Usagef("%q is no number of a key; fix: from 1 to 255, see qn keys list", args[0])
		}
		return keyStep(cmd, a, step, []byte(args[0]))
	}
}

// keyStep takes one step and shows where the keys stand then; exit code 3 if it did not reach
// everybody.
func keyStep(cmd *cobra.Command, a *agentFlags, step string, body []byte) error {
	r, err := ask[api.KeyResult](cmd.Context(), a, "POST", "/v1/keys/"+step, body)
	if err != nil {
		return err
	}
	err = a.output.Print(cmd.OutOrStdout(), r, func(w io.Writer) error { return printKeyStep(w, &r) })
	if err != nil {
		return err
	}
	for _, s := range r.Steps {
		if !s.Done {
			return exit.Told("a member did not take the step")
		}
	}
	if len(r.Missing) > 0 {
		return exit.Told("a member did not answer")
	}
	return nil
}

func printKeyStep(w io.Writer, r *api.KeyResult) error {
	err := table(w, "MEMBER STEP RESULT", func(row func(string, ...any)) {
		for _, s := range r.Steps {
			result := "done"
			if !s.Done {
				result = s.Error
			}
			row("%s|%s %d|%s", s.Member, r.Step, r.ID, result)
		}
		for _, name := range r.Missing {
			row("%s|%s %d|no answer", name, r.Step, r.ID)
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := printKeys(w, r.States); err != nil {
		return err
	}
	if r.Next != "" {
		_, err = fmt.Fprintf(w, "\nnext: %s\n", r.Next)
	}
	return err
}
