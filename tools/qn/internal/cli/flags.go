package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// noArgs is cobra.NoArgs as a usage error that says what was too much.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exit.Usagef("%s takes no argument, got %q; fix: options start with two dashes, see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// flagError says which flag is wrong, what was given, and what would be right, without the words of
// the parser.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &value):
		f := value.GetFlag()
		return exit.Usagef("--%s %s: %s", f.Name, value.GetValue(), exit.Wanted(f, value.Unwrap()))
	case errors.As(err, &missing):
		f := missing.GetFlag()
		return exit.Usagef("--%s: it needs a value: %s", f.Name, exit.Wanted(f, nil))
	case errors.As(err, &unknown):
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			return exit.Usagef("unknown flag --%s; did you mean --%s?", unknown.GetSpecifiedName(), near)
		}
	}
	return exit.Usagef("%w; see %s --help", err, cmd.CommandPath())
}

func nearestFlag(cmd *cobra.Command, name string) string {
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	return exit.Nearest(name, known)
}

// tidyDefaults leaves out of the help what says nothing: defaults that are zero, and those that the
// text names already.
func tidyDefaults(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		zero := f.DefValue == "0/s" || f.DefValue == "0B" || f.DefValue == "0s"
		if zero || strings.Contains(f.Usage, "(default") || strings.Contains(f.Usage, "default:") {
			f.DefValue = "0" // which is printed for texts alone
			if f.Value.Type() == "string" {
				f.DefValue = ""
			}
		}
	})
	for _, sub := range cmd.Commands() {
		tidyDefaults(sub)
	}
}
