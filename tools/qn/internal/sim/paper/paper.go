package paper

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// ErrOff is returned after the result was printed when a figure is outside its
// published band: the result says which.
var ErrOff = errors.New("a figure is outside its published band")

// UsageError is a mistake in the command line.
type UsageError struct{ error }

// Unwrap returns what is wrong.
func (u UsageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Commands returns the subcommands of "qn sim paper" that this package has.
func Commands() []*cobra.Command {
	return []*cobra.Command{newDemers(), newRounds(), newFlowcontrol(), newScuttlebutt()}
}

// flags are common to all experiments.
type flags struct {
	out    string
	output string
	seed   uint64
	runs   int
}

func (f *flags) add(cmd *cobra.Command, runs int, what string) {
	fs := cmd.Flags()
	fs.StringVar(&f.out, "out", "", "directory for JSON, CSV, PNG and SVG files; none are written without it")
	fs.StringVarP(&f.output, "output", "o", "table", "form of the result: table or json")
	fs.Uint64Var(&f.seed, "seed", 1, "seed: the same seed gives the same figures")
	fs.IntVar(&f.runs, "runs", runs, what)
}

func (f *flags) check() error {
	switch {
	case f.output != "table" && f.output != "json":
		return usagef("--output %s: no such form; fix: -o table or -o json", f.output)
	case f.runs < 1:
		return usagef("--runs %d: nothing to average; fix: 1 or more", f.runs)
	}
	if f.out == "" {
		return nil
	}
	return os.MkdirAll(f.out, 0o755)
}

// write makes a file in the output directory.
func (f *flags) write(name string, fill func(io.Writer) error) (err error) {
	file, err := os.Create(filepath.Join(f.out, name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return fill(file)
}

func (f *flags) writeJSON(name string, v any) error {
	return f.write(name, func(w io.Writer) error { return printJSON(w, v) })
}

func (f *flags) writeCSV(name string, rows [][]string) error {
	return f.write(name, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(rows) })
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func number(v float64) string { return fmt.Sprintf("%.6g", v) }
