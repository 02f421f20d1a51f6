package demo

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	xterm "golang.org/x/term"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
	"github.com/quidnunc/quidnunc/tools/qn/internal/web"
)

//go:embed page
var page embed.FS

// Limits of the page.
const (
	pictureEvery = 150 * time.Millisecond
	viewersMax   = 32
	writeWait    = 5 * time.Second
)

// Handler serves the page, its pictures as server-sent events, and its buttons.
func (d *Demo) Handler() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the files are in the binary
	}
	m := http.NewServeMux()
	static := http.FileServerFS(files)
	m.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
		static.ServeHTTP(w, r)
	})
	viewers := make(chan struct{}, viewersMax)
	m.HandleFunc("GET /pictures", func(w http.ResponseWriter, r *http.Request) {
		select {
		case viewers <- struct{}{}:
			defer func() { <-viewers }()
			d.stream(w, r)
		default:
			http.Error(w, "too many viewers: close some pages", http.StatusServiceUnavailable)
		}
	})
	m.HandleFunc("GET /acts", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(acts) // the viewer is gone
	})
	m.HandleFunc("POST /act/{name}", func(w http.ResponseWriter, r *http.Request) {
		member := -1
		if text := r.URL.Query().Get("member"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				http.Error(w, "member="+text+" is no number", http.StatusBadRequest)
				return
			}
			member = n
		}
		text, err := d.Act(r.PathValue("name"), member)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, text)
	})
	return web.Guard(nil, m)
}

// stream sends pictures until the viewer goes. A slow one gets fewer.
func (d *Demo) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	again := time.NewTicker(pictureEvery)
	defer again.Stop()
	turn, event := uint64(0), uint64(0)
	for {
		p := d.Look(turn, event)
		text, err := json.Marshal(p)
		if err != nil {
			return
		}
		_ = control.SetWriteDeadline(time.Now().Add(writeWait)) // not there on all writers
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil || control.Flush() != nil {
			return
		}
		turn, event = follow(p, turn, event)
		select {
		case <-again.C:
		case <-r.Context().Done():
			return
		case <-d.life.Done():
			return
		}
	}
}

// follow is from where the next picture goes on: a write is shown again until all have it.
func follow(p *Picture, turn, event uint64) (uint64, uint64) {
	for _, s := range p.Spreads {
		if s.Have < s.Of && time.Duration((p.At-s.At)*1e9) < 2*time.Second {
			break
		}
		turn = s.Turn
	}
	if n := len(p.Events); n > 0 {
		event = p.Events[n-1].Number
	}
	return turn, event
}

// Show runs the demo with its page until ctx ends or somebody quits.
func Show(ctx context.Context, o *Command, stdin io.Reader, stderr io.Writer) error {
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return exit.Usagef("--listen %s: %w; fix: --listen 127.0.0.1:0 takes a free port", o.Listen, err)
	}
	defer l.Close()
	d, err := Start(ctx, o.Options())
	if err != nil {
		return err
	}
	defer d.Close()
	server := &http.Server{Handler: d.Handler(), ReadHeaderTimeout: writeWait, ReadTimeout: writeWait}
	go server.Serve(l) // it ends with Close
	defer server.Close()
	fmt.Fprintf(stderr, "%d members run; look at http://%s\n", o.Nodes, l.Addr())
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	d.terminal(ctx, quit, stdin, stderr)
	return nil
}

// terminal shows a line that overwrites itself and takes keys where there is a terminal, and prints
// the log where not.
func (d *Demo) terminal(ctx context.Context, quit func(), stdin io.Reader, stderr io.Writer) {
	live := term.Interactive(stderr)
	if f, ok := stdin.(*os.File); ok && live && xterm.IsTerminal(int(f.Fd())) {
		old, err := xterm.MakeRaw(int(f.Fd()))
		if err == nil {
			defer xterm.Restore(int(f.Fd()), old)
			d.help(stderr)
			go d.keys(f, quit)
		}
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	var turn, event uint64
	for {
		p := d.Look(turn, event)
		for _, e := range p.Events {
			fmt.Fprintf(stderr, "%s%7.2fs  %s\r\n", clearLine(live), e.At, e.Text)
		}
		if live {
			fmt.Fprintf(stderr, "%s%s", clearLine(live), p.line())
		}
		turn, event = follow(p, turn, event)
		select {
		case <-again.C:
		case <-ctx.Done():
			fmt.Fprint(stderr, clearLine(live))
			return
		}
	}
}

func clearLine(live bool) string {
	if live {
		return "\r\x1b[K"
	}
	return ""
}

// line is the cluster in one line.
func (p *Picture) line() string {
	up, last := 0, ""
	for _, n := range p.Nodes {
		if n.State == "up" {
			up++
		}
	}
	for _, s := range p.Spreads {
		if s.All > 0 {
			last = ", the last write was on all after " + units.Span(int64(s.All*1e3))
		}
	}
	state := "equal"
	if !p.Converged {
		state = "not equal"
	}
	return fmt.Sprintf("%d of %d up, %s, %d suspicions, %d deaths believed%s", up, len(p.Nodes), state, p.Suspect, p.Dead, last)
}

func (d *Demo) help(w io.Writer) {
	for _, a := range acts {
		fmt.Fprintf(w, "  %s  %s\r\n", a.Key, a.Text)
	}
	fmt.Fprintf(w, "  q  quit\r\n")
}

// keys does what is typed, until q, ctrl-C or the end of the input.
func (d *Demo) keys(in io.Reader, quit func()) {
	defer quit()
	for b := make([]byte, 1); ; {
		if n, err := in.Read(b); n == 0 || err != nil || b[0] == 'q' || b[0] == 3 {
			return
		}
		for _, a := range acts {
			if a.Key[0] == b[0] {
				_, _ = d.Act(a.Name, -1) // the log tells
			}
		}
	}
}
