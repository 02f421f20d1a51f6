package cli

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const signingExamples = `  qn keys signing gen --out web-1.key                       for qn agent --signing-key-file, on web-1 alone
  qn keys signing public web-1.key                          what others may know of it, for Signing.Keys
  qn keys signing gen --former web-1.key --out next.key     a new key, with the word of the one before`

const signingLong = `With a key of its own a member signs what it wrote, and others find what somebody else wrote in its name, though they hold
the cluster's key. The file has a private key (Ed25519) as 64 hexadecimal digits and, in a second line, the one before it,
with whose word those who know that one believe the new one. No two members share one.`

func newKeysSigning() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "signing COMMAND",
		Short:   "Make and show the keys that members sign with what they write",
		Example: signingExamples,
		Long:    signingLong,
		Args:    cobra.ArbitraryArgs,
		RunE:    parentOnly,
	}
	cmd.AddCommand(newSigningGen(), newSigningPublic())
	return cmd
}

// signingKeys is what is printed of a key; Private is what was made just now, and to be kept.
type signingKeys struct {
	Private string `json:"private,omitempty"`
	Former  string `json:"former,omitempty"`
	Public  string `json:"public"`
}

func publicText(key ed25519.PrivateKey) string {
	return hex.EncodeToString(key.Public().(ed25519.PublicKey))
}

func newSigningGen() *cobra.Command {
	var former, out string
	var output form.Form
	cmd := &cobra.Command{
		Use:     "gen",
		Short:   "Print a new private key, or write it to a file that only you can read, and print its public one",
		Example: signingExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, key, err := ed25519.GenerateKey(nil)
			if err != nil {
				return fmt.Errorf("making a key: %w; fix: try again", err)
			}
			made := signingKeys{Private: engine.SigningKeyText(key), Public: publicText(key)}
			if former != "" {
				before, _, err := engine.ReadSigningKeyFile(former)
				if err != nil {
					return exit.Usagef("--former %s: %s", former, exit.Plain(err))
				}
				made.Former = engine.SigningKeyText(before)
			}
			text := made.Private + "\n"
			if made.Former != "" {
				text += made.Former + "\n"
			}
			if out != "" {
				if err := writeNew(out, text); err != nil {
					return err
				}
				made.Private, made.Former, text = "", "", made.Public+"\n"
			}
			return output.Print(cmd.OutOrStdout(), made, func(w io.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			})
		},
	}
	form.Add(cmd, &output)
	cmd.Flags().StringVar(&former, "former", "", "file with the key that this one takes the place of (default: none)")
	cmd.Flags().StringVar(&out, "out", "", "file to write, which must not be there yet (default: standard output)")
	return cmd
}

func newSigningPublic() *cobra.Command {
	var output form.Form
	cmd := &cobra.Command{
		Use:     "public FILE",
		Short:   "Print the public key of the private one in a file",
		Example: signingExamples,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.Usagef("%s takes one FILE, got %d; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			key, _, err := engine.ReadSigningKeyFile(args[0])
			if err != nil {
				return exit.Usagef("%s", exit.Plain(err))
			}
			shown := signingKeys{Public: publicText(key)}
			return output.Print(cmd.OutOrStdout(), shown, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, shown.Public)
				return err
			})
		},
	}
	form.Add(cmd, &output)
	return cmd
}
