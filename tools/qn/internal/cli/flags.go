package cli

import (
	"errors"
	"fmt"
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

// flagError says which flag is wrong, what was given, and what would be right, without the words of the parser.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &value):
		f := value.GetFlag()
		return exit.Usagef("--%s %s: %s", f.Name, value.GetValue(), wanted(f, value.Unwrap()))
	case errors.As(err, &missing):
		f := missing.GetFlag()
		return exit.Usagef("--%s: it needs a value: %s", f.Name, wanted(f, nil))
	case errors.As(err, &unknown):
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			return exit.Usagef("unknown flag --%s; did you mean --%s?", unknown.GetSpecifiedName(), near)
		}
	}
	return exit.Usagef("%w; see %s --help", err, cmd.CommandPath())
}

// examples are what one could write, by the type that pflag gives a flag.
var examples = map[string][2]string{
	"int": {"a whole number", "16"}, "uint": {"a whole number, 0 or more", "16"}, "uint8": {"a whole number from 0 to 255", "1"},
	"uint16": {"a whole number from 0 to 65535", "7946"}, "uint64": {"a whole number, 0 or more", "1"}, "ints": {"whole numbers with commas between them", "16,64"}, "intSlice": {"whole numbers with commas between them", "16,64"},
	"duration": {"a time with its unit", "250ms, 10s or 2m"}, "bool": {"true or false", "true"}, "float64": {"a number", "0.5"},
}

// wanted says what a flag takes. Our own types say it themselves.
func wanted(f *pflag.Flag, cause error) string {
	kind := f.Value.Type()
	if e, ok := examples[kind]; ok {
		return fmt.Sprintf("not %s; fix: for example --%s %s", e[0], f.Name, e[1])
	}
	if cause != nil {
		return cause.Error()
	}
	return fmt.Sprintf("fix: for example --%s %s", f.Name, strings.Trim(f.DefValue, "[]"))
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

// tidyDefaults leaves out of the help what says nothing: defaults that are zero, and those that the text names already.
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
