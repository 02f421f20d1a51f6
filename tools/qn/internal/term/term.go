package term

import (
	"fmt"
	"io"
	"os"

	xterm "golang.org/x/term"
)

// Interactive reports whether w is a terminal that a person watches: not a file or pipe, not
// TERM=dumb, not a CI job.
func Interactive(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	if ci := os.Getenv("CI"); ci != "" && ci != "false" && ci != "0" {
		return false
	}
	return xterm.IsTerminal(int(f.Fd()))
}

// Progress is one line that overwrites itself. The zero value is silent.
type Progress struct {
	w   io.Writer
	buf []byte
}

// NewProgress prints on w if it is interactive and quiet is false; otherwise it is silent.
func NewProgress(w io.Writer, quiet bool) *Progress {
	if quiet || !Interactive(w) {
		return &Progress{}
	}
	return &Progress{w: w}
}

// Visible reports whether anything would be shown, so that callers can skip the work of saying it.
func (p *Progress) Visible() bool { return p.w != nil }

// Show replaces the line.
func (p *Progress) Show(format string, args ...any) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
	}
}

// ShowBytes replaces the line and allocates nothing once its buffer has grown.
func (p *Progress) ShowBytes(line []byte) {
	if p.w != nil {
		p.buf = append(append(p.buf[:0], "\r\x1b[K"...), line...)
		_, _ = p.w.Write(p.buf) // a lost progress line is no error
	}
}

// Clear removes the line, so that a result starts on a clean one.
func (p *Progress) Clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
