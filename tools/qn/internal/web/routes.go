package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/engine/metrics"
)

func (s *Server) routes() http.Handler {
	m := http.NewServeMux()
	known := map[string]http.HandlerFunc{
		"GET /v1/status":           s.status,
		"GET /v1/members":          s.members,
		"GET /v1/lag":              s.lag,
		"GET /v1/digest":           s.digest,
		"GET /v1/stats":            s.stats,
		"GET /v1/why/{member}":     s.why,
		"POST /v1/ping/{member}":   s.ping,
		"POST /v1/forget/{member}": s.forget,
		"POST /v1/leave":           s.leave,
		"GET /v1/kv":               s.list,
		"GET /v1/kv/{name...}":     s.get,
		"PUT /v1/kv/{name...}":     s.put,
		"DELETE /v1/kv/{name...}":  s.del,
		"GET /v1/trace/{name...}":  s.trace,
		"GET /v1/watch":            s.watch,
		"GET /v1/keys":             s.keys,
		"POST /v1/keys/{step}":     s.changeKeys,
		"GET /metrics":             s.metrics,
		"GET /livez":               s.livez,
		"GET /readyz":              s.readyz,
	}
	for pattern, handle := range known {
		m.HandleFunc(pattern, handle)
	}
	list := strings.Join(slices.Sorted(maps.Keys(known)), "\n")
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, list) })
	m.HandleFunc("/", unknown)
	return m
}

func unknown(w http.ResponseWriter, r *http.Request) {
	problem(w, http.StatusBadRequest, fmt.Sprintf("there is no %s %s", r.Method, r.URL.Path), "GET / lists what there is")
}

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", metrics.ContentType)
	if metrics.WriteMetrics(w, s.opt.Space.Engine()) != nil {
		return // the client is gone
	}
	fmt.Fprintf(w, "# HELP quidnunc_build_info What the agent was built from.\n# TYPE quidnunc_build_info gauge\nquidnunc_build_info{version=%q} 1\n", s.opt.Version)
	for _, c := range []struct {
		name, kind, help string
		value            uint64
	}{
		{"quidnunc_http_watches", "gauge", "Watches over HTTP.", uint64(s.watchers.Load())},
		{"quidnunc_http_watch_resyncs_total", "counter", "Watches that fell behind and began anew.", s.resyncs.Load()},
		{"quidnunc_http_watches_slow_total", "counter", "Watches that were closed because nobody read.", s.slow.Load()},
		{"quidnunc_http_requests_denied_total", "counter", "Requests without the token, of unknown hosts or of other origins.", s.denied.Load()},
	} {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", c.name, c.help, c.name, c.kind, c.name, c.value)
	}
	if s.opt.Metrics != nil {
		s.opt.Metrics(w)
	}
}

// livez answers while the engine's loop turns.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	if s.opt.Space.Engine().ID() == 0 {
		problem(w, http.StatusServiceUnavailable, "the engine is closed", "")
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if s.opt.Ready != nil {
		if err := s.opt.Ready(); err != nil {
			problem(w, http.StatusServiceUnavailable, err.Error(), "")
			return
		}
	}
	fmt.Fprintln(w, "ok")
}
