package paper

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/spf13/cobra"
)

// errOff begins the answer no: the result, already printed, says which figure it is.
const errOff = "a figure is outside its published band"

// Commands returns the subcommands of "qn sim paper" that this package has.
func Commands() []*cobra.Command {
	return []*cobra.Command{newDemers(), newRounds(), newFlowcontrol(), newScuttlebutt()}
}

// flags are common to all experiments.
type flags struct {
	out    string
	output form.Form
	seed   uint64
	runs   int
}

func (f *flags) add(cmd *cobra.Command, runs int, what string) {
	fs := cmd.Flags()
	fs.StringVar(&f.out, "out", "", "directory for JSON, CSV, PNG and SVG files; none are written without it")
	form.Add(cmd, &f.output)
	fs.Uint64Var(&f.seed, "seed", 1, "seed: the same seed gives the same figures")
	fs.IntVar(&f.runs, "runs", runs, what)
}

func (f *flags) check() error {
	if f.runs < 1 {
		return exit.Usagef("--runs %d: nothing to average; fix: 1 or more", f.runs)
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
	return f.write(name, func(w io.Writer) error { return form.Indented(w, v) })
}

func (f *flags) writeCSV(name string, rows [][]string) error {
	return f.write(name, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(rows) })
}

func number(v float64) string { return fmt.Sprintf("%.6g", v) }

// each runs do for each of n, two at a time, and returns the first error in their order.
func each(n int, do func(i int) error) error {
	var all sync.WaitGroup
	slots, failed := make(chan struct{}, 2), make([]error, n)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			failed[i] = do(i)
		})
	}
	all.Wait()
	return cmp.Or(failed...)
}
