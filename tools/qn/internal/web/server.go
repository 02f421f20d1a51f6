package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/query"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// Limits of the front.
const (
	headerWait   = 5 * time.Second
	bodyWait     = 10 * time.Second // for a whole request, or the next piece of a value
	denyWait     = time.Second      // for the rest of one that was refused
	writeWait    = 10 * time.Second
	watchersMax  = 20_000
	shutdownWait = 2 * time.Second
)

// Options say what the front serves and to whom.
type Options struct {
	Space   *space.Space
	Query   *query.Service
	Token   string   // "" for none: then loopback and sockets only
	Hosts   []string // names beside addresses that a Host may have
	Version string
	Cluster string
	Sealed  bool
	Ready   func() error                // nil: ready
	Fronts  func() []api.Front          // of the agent
	Leave   func()                      // begins to leave
	Data    string                      // directory that keeps keys; "" for none
	Metrics func(w http.ResponseWriter) // further metrics; nil for none
	Logger  *slog.Logger
}

// Server serves one or more listeners. Close ends it.
type Server struct {
	opt      Options
	http     *http.Server
	started  time.Time
	watchers atomic.Int64
	resyncs  atomic.Uint64
	slow     atomic.Uint64
	denied   atomic.Uint64
	end      context.CancelFunc
	secret   [sha256.Size]byte
}

// New makes a server. Nothing listens yet.
func New(o Options) *Server {
	s := &Server{opt: o, started: time.Now(), secret: sha256.Sum256([]byte(o.Token))}
	life, end := context.WithCancel(context.Background())
	s.end = end
	s.http = &http.Server{
		Handler:           s.guard(s.routes()),
		ReadHeaderTimeout: headerWait,
		ReadTimeout:       bodyWait,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return life },
		ErrorLog:          slog.NewLogLogger(quietHandler(o.Logger), slog.LevelDebug),
	}
	return s
}

func quietHandler(l *slog.Logger) slog.Handler {
	if l == nil {
		return slog.DiscardHandler
	}
	return l.Handler()
}

// Listen serves an address, "host:port" or "unix:/path", and returns where it listens.
func (s *Server) Listen(addr string) (net.Addr, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return s.listenUnix(path)
	}
	if !s.loopback(addr) && s.opt.Token == "" {
		return nil, fmt.Errorf("HTTP on %s: beyond loopback a token is required; fix: --http-token-file FILE, or --http %s", addr, strings.TrimPrefix(api.AgentDefault, "http://"))
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("HTTP on %s: %w; fix: choose another address with --http, port 0 for a free one", addr, err)
	}
	go s.serve(l)
	return l.Addr(), nil
}

// loopback reports whether an address is only reached from this machine.
func (s *Server) loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// listenUnix makes a socket that the agent's user alone may open. One that a dead agent left is
// replaced.
func (s *Server) listenUnix(path string) (net.Addr, error) {
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("HTTP on unix:%s: another agent listens there; fix: choose another --socket", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		_ = os.Remove(path) // Listen says what it thinks of it
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("HTTP on unix:%s: %w; fix: choose another --socket", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("HTTP on unix:%s: %w", path, err)
	}
	go s.serve(l)
	return l.Addr(), nil
}

func (s *Server) serve(l net.Listener) {
	if err := s.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && s.opt.Logger != nil {
		s.opt.Logger.Error("the HTTP front ended", "addr", l.Addr().String(), "cause", err.Error())
	}
}

// Close ends all requests, watches at once, others after a moment.
func (s *Server) Close() error {
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	if s.http.Shutdown(ctx) == nil {
		return nil
	}
	return s.http.Close()
}

// guard keeps out who must not ask.
func (s *Server) guard(next http.Handler) http.Handler {
	return guarded(s.opt.Hosts, s.deny, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.opt.Token != "" && !s.admits(r) && !probe(r.URL.Path) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			last(s.deny)(w, http.StatusUnauthorized, "a token is required", "send it as: Authorization: Bearer TOKEN")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, api.BodyBytesMax)
		next.ServeHTTP(w, r)
	}))
}

// Guard refuses requests for hosts that are neither addresses nor localhost nor in hosts, and those
// of pages of other origins, but for links that are followed: what is only meant for this machine
// must not be a tool of other sites.
func Guard(hosts []string, next http.Handler) http.Handler { return guarded(hosts, problem, next) }

type denier func(w http.ResponseWriter, code int, text, fix string)

func guarded(hosts []string, deny denier, next http.Handler) http.Handler {
	deny = last(deny)
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !knowsHost(r.Host, hosts) {
			deny(w, http.StatusForbidden, fmt.Sprintf("host %q is not known here", r.Host), "use an address, localhost, or a name from --http-host")
			return
		}
		if origins.Check(likeWrite(r)) != nil {
			deny(w, http.StatusForbidden, "a page of another origin can't change or read anything here", "")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// likeWrite is a request whose origin is to be looked at as that of a write: each one but a link
// that somebody follows, of which the page with the link learns nothing.
func likeWrite(r *http.Request) *http.Request {
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return r
	}
	write := *r
	write.Method = http.MethodPost
	return &write
}

// probe reports paths that tell nothing but that the agent lives.
func probe(path string) bool { return path == "/livez" || path == "/readyz" }

func (s *Server) deny(w http.ResponseWriter, code int, text, fix string) {
	s.denied.Add(1)
	problem(w, code, text, fix)
}

// knowsHost refuses names that somebody else's DNS could point here.
func knowsHost(host string, known []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return host == "localhost" || slices.Contains(known, host)
}

func (s *Server) admits(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given := sha256.Sum256([]byte(token))
	return ok && subtle.ConstantTimeCompare(given[:], s.secret[:]) == 1
}

// last lets a connection end with an answer: who must not ask holds none, whatever it still sends.
func last(deny denier) denier {
	return func(w http.ResponseWriter, code int, text, fix string) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(denyWait)) // not there on all writers
		w.Header().Set("Connection", "close")
		deny(w, code, text, fix)
	}
}

func problem(w http.ResponseWriter, code int, text, fix string) {
	answer(w, code, api.Problem{Error: text, Fix: fix})
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the client is gone
}

func ok(w http.ResponseWriter, v any) { answer(w, http.StatusOK, v) }
