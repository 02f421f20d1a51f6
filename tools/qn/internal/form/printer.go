package form

import (
	"fmt"
	"io"
)

// Printer writes lines and keeps the first error, so that a report is written without a check for
// each line.
type Printer struct {
	w   io.Writer
	err error
}

// NewPrinter prints to w.
func NewPrinter(w io.Writer) *Printer { return &Printer{w: w} }

// Write is io.Writer; after an error it writes nothing more.
func (p *Printer) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.w.Write(b)
	p.err = err
	return n, err
}

// Line writes a subject, which grep and awk find at the beginning of the line, and what there is to
// say about it.
func (p *Printer) Line(subject, format string, args ...any) {
	_, _ = fmt.Fprintf(p, "%-10s"+format+"\n", append([]any{subject}, args...)...) // Err tells
}

// Err is the first error.
func (p *Printer) Err() error { return p.err }

// Plain makes a table for Form.Print of a function that only prints.
func Plain(print func(io.Writer)) func(io.Writer) error {
	return func(w io.Writer) error {
		p := NewPrinter(w)
		print(p)
		return p.Err()
	}
}
