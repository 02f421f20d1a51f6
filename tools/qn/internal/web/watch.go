package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

const (
	// beatEvery is how often a quiet watch says that it lives.
	beatEvery = 15 * time.Second
	// watchBatch is how many changes are written at a time.
	watchBatch = 256
	// partID stands for a number in the id of an event of a snapshot that is not whole: it is none.
	partID = "part"
)

// stream is one watch.
type stream struct {
	server  *Server
	w       http.ResponseWriter
	control *http.ResponseController
	events  bool // server-sent events; otherwise NDJSON
	member  string
	prefix  string
	epoch   string // of the agent's numbers: they begin anew with it
}

// watch streams changes from now on, or from Last-Event-ID, or with a snapshot before.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	if s.watchers.Add(1) > watchersMax {
		s.watchers.Add(-1)
		problem(w, http.StatusServiceUnavailable, "there are too many watches", "ask another agent")
		return
	}
	defer s.watchers.Add(-1)
	q := r.URL.Query()
	t := &stream{
		server: s, w: w, control: http.NewResponseController(w), member: q.Get("member"), prefix: q.Get("prefix"),
		events: strings.Contains(r.Header.Get("Accept"), "text/event-stream"), epoch: strconv.FormatInt(s.started.UnixNano(), 36),
	}
	after, resumed, stale := t.resume(r)
	if t.events {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no")
	} else {
		w.Header().Set("Content-Type", "application/x-ndjson")
	}
	w.WriteHeader(http.StatusOK)
	if t.follow(r, after, stale || !resumed && q.Has("snapshot"), stale) {
		s.slow.Add(1)
	}
}

// resume is where a client left off: the number of the last change that it has. stale says that the
// number is of another life of the agent, or that a snapshot was not whole.
func (t *stream) resume(r *http.Request) (after uint64, resumed, stale bool) {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		id = r.URL.Query().Get("after")
	}
	newest := t.server.opt.Space.Log().Newest()
	if id == "" {
		return newest, false, false
	}
	epoch, number, _ := strings.Cut(id, ".")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch != t.epoch || n > newest {
		return newest, true, true
	}
	return n, true, false
}

// follow writes until the client or the agent goes. It reports that the client was too slow.
func (t *stream) follow(r *http.Request, after uint64, snapshot, resync bool) (slow bool) {
	log := t.server.opt.Space.Log()
	if snapshot && !t.snapshot(after, resync) {
		return true
	}
	if !snapshot && t.begin(after) != nil || t.flush() != nil {
		return false
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	var list []space.Change
	for {
		var whole, ended bool
		var signal <-chan struct{}
		list, whole, ended, signal = log.After(after, list[:0], watchBatch)
		if !whole {
			t.server.resyncs.Add(1)
			after = log.Newest()
			if !t.snapshot(after, true) {
				return true
			}
			continue
		}
		if len(list) > 0 {
			after = list[len(list)-1].Seq
			if t.changes(list) != nil {
				return r.Context().Err() == nil
			}
			continue
		}
		if ended {
			return false
		}
		select {
		case <-signal:
		case <-beat.C:
			if t.beat() != nil {
				return r.Context().Err() == nil
			}
		case <-r.Context().Done():
			return false
		}
	}
}

// begin tells a client of events from which number on it gets changes, without an event: it may be
// cut off before the first.
func (t *stream) begin(after uint64) (err error) {
	if t.events {
		_, err = fmt.Fprintf(t.w, "id: %s\n\n", t.id(after))
	}
	return err
}

// snapshot writes all that there is, as of a number. Only its last event has an id to go on from:
// who was cut off before begins anew.
func (t *stream) snapshot(after uint64, resync bool) bool {
	part := t.epoch + "." + partID
	if resync && t.write("resync", part, struct {
		Resync bool `json:"resync"`
	}{true}) != nil {
		return false
	}
	for _, e := range t.server.entries(t.member, t.prefix) {
		if t.write("entry", part, e) != nil {
			return false
		}
	}
	if t.events && t.write("whole", t.id(after), struct {
		Whole bool `json:"whole"`
	}{true}) != nil {
		return false
	}
	return t.flush() == nil
}

func (t *stream) id(seq uint64) string { return t.epoch + "." + strconv.FormatUint(seq, 10) }

func (t *stream) changes(list []space.Change) error {
	for i := range list {
		c := &list[i]
		if t.member != "" && c.Member != t.member || !strings.HasPrefix(c.Key, t.prefix) {
			continue
		}
		e := api.Entry{
			Member: c.Member, Key: c.Key, Version: c.Meta.Version.String(), TTLSeconds: c.Meta.TTL.Seconds(), Deleted: c.Deleted, Seq: c.Seq,
		}
		e.SetBytes(c.Value)
		if err := t.write("change", t.id(c.Seq), e); err != nil {
			return err
		}
	}
	return t.flush()
}

// write writes one message into the buffer, with a time by which the client has to take it.
func (t *stream) write(event, id string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_ = t.control.SetWriteDeadline(time.Now().Add(writeWait)) // not there on all writers
	if t.events {
		_, err = fmt.Fprintf(t.w, "event: %s\nid: %s\ndata: %s\n\n", event, id, text)
	} else {
		_, err = t.w.Write(append(text, '\n'))
	}
	return err
}

func (t *stream) beat() error {
	_ = t.control.SetWriteDeadline(time.Now().Add(writeWait))
	if t.events {
		if _, err := fmt.Fprint(t.w, ": quiet\n\n"); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(t.w); err != nil {
		return err
	}
	return t.control.Flush()
}

func (t *stream) flush() error {
	_ = t.control.SetWriteDeadline(time.Now().Add(writeWait))
	return t.control.Flush()
}
