package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const keysExamples = `  qn keys gen --out cluster.key                a key file that only you can read, for Config.SecretFiles
  qn keys gen --id 2 --out next.key            the key that is to follow it
  qn keys install next.key                     then: qn keys use 2, qn keys remove 1
  qn keys signing gen --out web-1.key          what one member signs with
  qn load --key-file cluster.key               the same load, sealed`

const keysLong = `A key is 32 random bytes under a number from 1 to 255. Members seal with the first key that they are given and accept all
of them. A key goes through four states, which qn keys list shows:

  spreading   some members lack it                              qn keys install FILE brings it to all
  ready       all hold it, none seals with it                   qn keys use ID, or qn keys remove ID
  changing    some seal with it, some with another one          qn keys use ID again
  in-use      all seal with it

A step that would shut a live member out is refused. What these commands change lives as long as the processes: write the new key
into the key files, or an agent that starts with the old one alone is shut out.`

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys COMMAND",
		Short:   "Make and replace the keys that a cluster seals its traffic with, and that members sign with",
		Example: keysExamples,
		Long:    keysLong,
		Args:    cobra.ArbitraryArgs,
		RunE:    parentOnly,
	}
	cmd.AddCommand(newKeysGen(), newKeysList(), newKeysInstall(), newKeysUse(), newKeysRemove(), newKeysSigning())
	return cmd
}

func newKeysGen() *cobra.Command {
	var id uint8
	var out string
	var output form.Form
	cmd := &cobra.Command{
		Use:     "gen",
		Short:   "Print a new key, or write it to a file that only you can read",
		Example: keysExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if id == 0 {
				return exit.Usagef("--id 0: a key's number is from 1 to 255; fix: --id 1")
			}
			text := engine.NewSecret(id).Text()
			if out != "" {
				return writeNew(out, text+"\n")
			}
			made := struct {
				ID  uint8  `json:"id"`
				Key string `json:"key"`
			}{id, text}
			return output.Print(cmd.OutOrStdout(), made, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, text)
				return err
			})
		},
	}
	cmd.Flags().Uint8Var(&id, "id", 1, "number of the key, 1 to 255")
	form.Add(cmd, &output)
	cmd.Flags().StringVar(&out, "out", "", "file to write, which must not be there yet (default: standard output)")
	return cmd
}

// writeNew makes a file that only its owner can read. It never writes over one: that could be the
// cluster's only key.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return exit.Usagef("--out %s: there is a file already, which could be the cluster's only key; fix: choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("writing the key: %w; fix: choose another --out", err)
	}
	_, err = f.WriteString(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
