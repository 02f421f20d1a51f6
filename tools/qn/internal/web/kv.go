package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// syncMax is how long a list waits for own writes to be in it.
const syncMax = time.Second

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	value, info, found := s.opt.Space.AppendGet(nil, name)
	if !found {
		s.noKey(w, name)
		return
	}
	if r.URL.Query().Has("raw") {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Quidnunc-Version", info.Version.String())
		_, _ = w.Write(value)
		return
	}
	ok(w, entry(value, &info))
}

// noKey says that there is no key of a name.
func (s *Server) noKey(w http.ResponseWriter, name string) {
	member, key := s.opt.Space.Split(name)
	of := ""
	if member != "" {
		of = " of " + member
	}
	problem(w, http.StatusNotFound, fmt.Sprintf("there is no key %q%s", key, of), "qn kv ls lists them")
}

func entry(value []byte, info *space.Info) api.Entry {
	e := api.Entry{
		Member: info.Member, Key: info.Key, Version: info.Version.String(), TTLSeconds: info.TTL.Seconds(), LeftSeconds: info.Left.Seconds(),
	}
	e.SetBytes(value)
	return e
}

// steady is a body that may take long, as long as it comes.
type steady struct {
	body io.Reader
	conn *http.ResponseController
}

func (x steady) Read(b []byte) (int, error) {
	x.conn.SetReadDeadline(time.Now().Add(bodyWait))
	return x.body.Read(b)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	value, err := io.ReadAll(steady{r.Body, http.NewResponseController(w)})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		problem(w, http.StatusRequestTimeout, fmt.Sprintf("nothing of the value came for %v", bodyWait), "send it without a stop")
		return
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "the value can't be read: "+exit.Plain(err), fmt.Sprintf("send at most %d bytes", api.BodyBytesMax))
		return
	}
	q := r.URL.Query()
	p := space.Put{Absent: q.Has("absent"), Present: q.Has("present")}
	if text := q.Get("ttl"); text != "" {
		if p.TTL, err = time.ParseDuration(text); err != nil || p.TTL <= 0 {
			problem(w, http.StatusBadRequest, fmt.Sprintf("ttl=%s is no lifetime", text), "for example ttl=10s")
			return
		}
	}
	res, err := s.opt.Space.Set(r.PathValue("name"), value, p)
	switch {
	case err != nil:
		writeProblem(w, err)
	case !res.Written && p.Absent:
		problem(w, http.StatusConflict, "there is such a key already", "")
	case !res.Written:
		s.noKey(w, r.PathValue("name"))
	default:
		ok(w, api.Written{Version: res.Version.String()})
	}
}

func (s *Server) del(w http.ResponseWriter, r *http.Request) {
	was, v, err := s.opt.Space.Delete(r.PathValue("name"))
	switch {
	case err != nil:
		writeProblem(w, err)
	case !was:
		s.noKey(w, r.PathValue("name"))
	default:
		ok(w, api.Written{Version: v.String(), Existed: true})
	}
}

// writeProblem says why a write was refused.
func writeProblem(w http.ResponseWriter, err error) {
	var foreign *space.ForeignError
	switch {
	case errors.As(err, &foreign), errors.Is(err, engine.ErrTooLarge), errors.Is(err, engine.ErrKey), errors.Is(err, engine.ErrTTL):
		problem(w, http.StatusBadRequest, exit.Plain(err), "")
	case errors.Is(err, engine.ErrBackpressure):
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusTooManyRequests, exit.Plain(err), "write less often")
	case errors.Is(err, engine.ErrFull):
		problem(w, http.StatusInsufficientStorage, exit.Plain(err), "")
	default:
		problem(w, http.StatusServiceUnavailable, exit.Plain(err), "")
	}
}

// list is all keys, or those of one member, or those whose name begins in some way; by member and
// key.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), syncMax)
	defer cancel()
	_ = s.opt.Space.Sync(ctx) // in vain: then the list is as old as that
	ok(w, s.entries(r.URL.Query().Get("member"), r.URL.Query().Get("prefix")))
}

func (s *Server) entries(member, prefix string) []api.Entry {
	list := []api.Entry{}
	names, _ := s.opt.Space.Scan(0, math.MaxInt)
	for _, n := range names {
		if member != "" && n.Member != member || !strings.HasPrefix(n.Key, prefix) {
			continue
		}
		if value, info, found := s.opt.Space.AppendGet(nil, s.opt.Space.Join(n.Member, n.Key)); found {
			list = append(list, entry(value, &info))
		}
	}
	slices.SortFunc(list, func(a, b api.Entry) int {
		return cmp.Or(cmp.Compare(a.Member, b.Member), cmp.Compare(a.Key, b.Key))
	})
	return list
}
