package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// askWait is how long the other agents have to answer.
const askWait = 3 * time.Second

func (s *Server) members(w http.ResponseWriter, _ *http.Request) {
	ok(w, Members(s.opt.Space.Engine()))
}

// Members is what an engine says of its cluster, by name, its own member first.
func Members(eng *engine.Engine) []api.Member {
	progress := map[string]engine.Progress{}
	newest := uint64(0)
	for i, p := range eng.Progress() {
		progress[p.Member] = p
		if i == 0 {
			newest = p.Known.Seq
		}
	}
	list := []api.Member{}
	for m := range eng.Members() {
		p := progress[m.Name]
		x := api.Member{
			Name: m.Name, Addr: m.Addr.String(), State: m.State.String(), Self: m.Self, Zone: m.Zone, Tags: m.Tags,
			Generation: m.Generation, RTTSeconds: m.RTT.Seconds(), Phi: m.Phi, Since: m.Since.UTC(), By: m.By,
			Entries: p.Entries, KnownVersion: p.Known.String(),
		}
		if !m.Addr.IsValid() {
			x.Addr = ""
		}
		if p.Acked < newest && !m.Self {
			x.Behind = newest - p.Acked
		}
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b api.Member) int {
		switch {
		case a.Self:
			return -1
		case b.Self:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

func (s *Server) lag(w http.ResponseWriter, _ *http.Request) {
	list := []api.Lag{}
	newest := uint64(0)
	for i, p := range s.opt.Space.Engine().Progress() {
		if i == 0 {
			newest = p.Known.Seq
		}
		list = append(list, api.Lag{
			Member: p.Member, State: p.State.String(), Known: p.Known.String(), Acked: p.Acked, Newest: newest,
			Behind: newest - min(p.Acked, newest), Entries: p.Entries, Bytes: p.Bytes,
		})
	}
	if len(list) > 1 { // the own one stays first
		slices.SortFunc(list[1:], func(a, b api.Lag) int { return cmp.Compare(a.Member, b.Member) })
	}
	ok(w, list)
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	eng := s.opt.Space.Engine()
	stats := eng.Stats()
	st := api.Status{
		Schema: "qn.status/1", Member: eng.Name(), Cluster: s.opt.Cluster, Version: s.opt.Version, Addr: eng.Addr().String(),
		Sealed: s.opt.Sealed, UpSeconds: time.Since(s.started).Seconds(), Members: byState(&stats), Keys: stats.Keys,
		Fingerprint: fmt.Sprintf("%016x", stats.Fingerprint), Fronts: []api.Front{}, Healthy: true, Checks: s.checks(&stats),
	}
	for m := range eng.Members() {
		if m.Self {
			st.Generation = m.Generation
		}
	}
	if s.opt.Fronts != nil {
		st.Fronts = s.opt.Fronts()
	}
	for _, c := range st.Checks {
		st.Healthy = st.Healthy && c.Status != api.Fail
	}
	ok(w, st)
}

func byState(stats *engine.Stats) map[string]int {
	m := map[string]int{}
	for state, n := range stats.ByState {
		m[engine.MemberState(state).String()] = n
	}
	return m
}

// checks are what an operator looks at first.
func (s *Server) checks(stats *engine.Stats) (list []api.Check) {
	add := func(name, status, detail, fix string) {
		c := api.Check{Name: name, Status: status, Detail: detail}
		if status != api.OK {
			c.Fix = fix
		}
		list = append(list, c)
	}
	level := func(bad bool, status string) string {
		if bad {
			return status
		}
		return api.OK
	}
	suspect, dead := stats.ByState[engine.StateSuspect], stats.ByState[engine.StateDead]
	add("members", level(suspect+dead > 0, api.Warn), fmt.Sprintf("%d alive, %d suspect, %d dead", stats.ByState[engine.StateAlive], suspect, dead),
		"qn members shows which, qn why MEMBER says for what reason")
	add("name", level(stats.Conflicts > 0, api.Warn), fmt.Sprintf("%d rivals for this name so far", stats.Conflicts), "give every member a name of its own")
	add("limits", level(stats.Drops["full"] > 0 || stats.WritesRefused > 0, api.Fail), fmt.Sprintf("%d drops for want of room, %d own writes without room", stats.Drops["full"], stats.WritesRefused),
		"raise the limits, or delete keys")
	add("kernel", level(stats.Drops["kernel"] > 0, api.Warn), fmt.Sprintf("%d datagrams lost for want of buffer", stats.Drops["kernel"]), "sysctl -w net.core.rmem_max=8388608")
	foreign := stats.Drops["cluster"] + stats.Drops["key"] + stats.Drops["auth"] + stats.Drops["sealed"] + stats.Drops["unsealed"]
	add("strangers", level(foreign > 0, api.Warn), fmt.Sprintf("%d datagrams of other clusters or under other keys", foreign), "check the clusters' names and keys of who sends them")
	add("health", level(stats.Detector.Health > 2, api.Warn), fmt.Sprintf("own health %d of 8 (0 is well), %d stalls", stats.Detector.Health, stats.Detector.Stalls),
		"give the process more CPU")
	add("overload", level(stats.Flow.Pressed, api.Warn), fmt.Sprintf("%d peers wait, %d bytes deferred", stats.Flow.Waiting, stats.Flow.Deferred), "write less, or give the process more CPU")
	if s.opt.Data != "" {
		detail := "keeps what is written in " + s.opt.Data
		if stats.DiskProblem != "" {
			detail = exit.Plain(errors.New(stats.DiskProblem))
		}
		add("disk", level(stats.DiskProblem != "", api.Fail), detail, "mend that: all is written anew by itself then")
	}
	return list
}

func (s *Server) stats(w http.ResponseWriter, _ *http.Request) {
	t := s.opt.Space.Engine().Sample()
	ok(w, api.Sample{
		At: time.Now().UTC(), Members: byState(&t), Keys: t.Keys, Writes: t.Writes, New: t.EntriesNew, Known: t.EntriesOld,
		FramesR: t.FramesReceived, FramesS: t.FramesSent, BytesR: t.BytesReceived, BytesS: t.BytesSent, Drops: t.Drops,
		Lag: t.LoopLag.Seconds(), Defer: t.Flow.Deferred,
	})
}

func (s *Server) why(w http.ResponseWriter, r *http.Request) {
	eng := s.opt.Space.Engine()
	if r.PathValue("member") == eng.Name() {
		ok(w, s.ownWhy())
		return
	}
	x, err := eng.Explain(r.PathValue("member"))
	if err != nil {
		memberProblem(w, r.PathValue("member"), err)
		return
	}
	y := api.Why{
		Member: x.Member.Name, State: x.Member.State.String(), Asked: x.Asked, Text: x.String(), Watched: x.Watched, Missed: x.Missed,
		Heard: x.Heard.UTC(), Observers: x.Observers, Against: x.Against, Needed: x.Needed, Voters: x.Voters, Incarnation: x.Incarnation,
	}
	if y.Voters == nil {
		y.Voters = []string{}
	}
	ok(w, y)
}

// ownWhy is what a member says of itself: others watch it, it does not.
func (s *Server) ownWhy() api.Why {
	eng := s.opt.Space.Engine()
	m, _ := eng.Member(eng.Name())
	health := eng.Sample().Detector.Health
	return api.Why{
		Member: m.Name, State: m.State.String(), Asked: m.Name, Heard: time.Now().UTC(), Voters: []string{},
		Text: fmt.Sprintf("%s is the agent that was asked, %s since %s; own health %d of 8 (0 is well); how it counts with others say their agents",
			m.Name, m.State, m.Since.UTC().Format(time.RFC3339), health),
	}
}

func memberProblem(w http.ResponseWriter, name string, err error) {
	switch {
	case errors.Is(err, engine.ErrNoMember):
		problem(w, http.StatusNotFound, fmt.Sprintf("there is no member %q", name), "qn members lists them")
	case errors.Is(err, engine.ErrNoAnswer), errors.Is(err, context.DeadlineExceeded):
		problem(w, http.StatusGatewayTimeout, fmt.Sprintf("%s did not answer within %v", name, askWait), "qn why tells how it counts here")
	default:
		problem(w, http.StatusServiceUnavailable, exit.Plain(err), "")
	}
}

func (s *Server) ping(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askWait)
	defer cancel()
	rtt, err := s.opt.Space.Engine().Ping(ctx, r.PathValue("member"))
	if err != nil {
		memberProblem(w, r.PathValue("member"), err)
		return
	}
	ok(w, api.Pong{Member: r.PathValue("member"), RTTSeconds: rtt.Seconds()})
}

func (s *Server) forget(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("member")
	switch err := s.opt.Space.Engine().Forget(name); {
	case errors.Is(err, engine.ErrNotDead):
		problem(w, http.StatusConflict, exit.Plain(err), "stop it first, or let it leave; qn why tells why it counts as it does")
	case err != nil:
		memberProblem(w, name, err)
	default:
		ok(w, api.Forgotten{Member: name})
	}
}

func (s *Server) leave(w http.ResponseWriter, _ *http.Request) {
	if s.opt.Leave == nil {
		problem(w, http.StatusBadRequest, "this agent can't be told to leave", "")
		return
	}
	ok(w, struct {
		Leaving bool `json:"leaving"`
	}{true})
	_ = http.NewResponseController(w).Flush()
	s.opt.Leave()
}

func (s *Server) digest(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askWait)
	defer cancel()
	answers, missing, err := s.opt.Query.Ask(ctx, "digest", nil)
	if err != nil {
		problem(w, http.StatusServiceUnavailable, exit.Plain(err), "")
		return
	}
	list := []api.Digest{}
	for _, a := range answers {
		d := api.Digest{Error: a.Error}
		if a.Error == "" && json.Unmarshal(a.Result, &d) != nil {
			d.Error = "an answer that can't be read"
		}
		d.Member = a.Member
		list = append(list, d)
	}
	for _, name := range missing {
		list = append(list, api.Digest{Member: name, Error: "no answer"})
	}
	slices.SortFunc(list, func(a, b api.Digest) int { return strings.Compare(a.Member, b.Member) })
	ok(w, list)
}

func (s *Server) trace(w http.ResponseWriter, r *http.Request) {
	sp := s.opt.Space
	member, key := sp.Split(r.PathValue("name"))
	ctx, cancel := context.WithTimeout(r.Context(), askWait)
	defer cancel()
	_ = sp.Sync(ctx)
	answers, missing, err := s.opt.Query.Ask(ctx, "trace", traceArgs{member, key})
	if err != nil {
		problem(w, http.StatusServiceUnavailable, exit.Plain(err), "")
		return
	}
	t := api.Trace{Member: member, Key: key, Learned: []api.Learned{}, Missing: missing}
	for _, a := range answers {
		var l api.Learned
		if a.Error != "" || json.Unmarshal(a.Result, &l) != nil {
			t.Missing = append(t.Missing, a.Member)
			continue
		}
		l.Member = a.Member
		t.Learned = append(t.Learned, l)
	}
	newest, writer := sp.Writer(member, key)
	if !compareLearned(&t, newest.String(), writer) {
		of := ""
		if member != "" {
			of = " of " + member
		}
		problem(w, http.StatusNotFound, fmt.Sprintf("no agent has a key %q%s", key, of), "")
		return
	}
	if member == "" && writer != "" {
		at := engine.SharedVersion{Stamp: newest.Seq}.Time().UTC()
		t.WrittenAt = &at
	}
	ok(w, t)
}

// compareLearned finds the version that matters, that of the writer, and how much later than the
// writer the others had it. Where the writer is not there to answer, it is newest, and who had it
// first stands in. It reports whether anybody has the key.
func compareLearned(t *api.Trace, newest, writer string) (known bool) {
	slices.SortFunc(t.Learned, func(a, b api.Learned) int { return a.At.Compare(b.At) })
	t.Version = newest
	for i := range t.Learned {
		l := &t.Learned[i]
		if known = known || l.Version != ""; l.Member == writer && l.Version != "" && t.Member != "" {
			t.Version = l.Version
		}
	}
	var since time.Time
	for i := range t.Learned {
		l := &t.Learned[i]
		if l.Version == t.Version && (since.IsZero() || l.Member == writer) {
			since = l.At
		}
	}
	for i := range t.Learned {
		if l := &t.Learned[i]; l.Version == t.Version {
			l.AfterSeconds = max(0, l.At.Sub(since).Seconds()) // who writes notes it a moment late
		}
	}
	t.Writer = writer
	return known
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request) { ok(w, keyStates(s.opt.Space.Engine())) }

func keyStates(eng *engine.Engine) []api.KeyState {
	list := []api.KeyState{}
	all := 0
	for m := range eng.Members() {
		if m.State == engine.StateAlive || m.State == engine.StateSuspect {
			all++
		}
	}
	for _, k := range eng.Secrets() {
		x := api.KeyState{ID: k.ID, State: api.KeyReady, Primary: k.Primary, Lacking: append([]string{}, k.Lacking...), Sealing: append([]string{}, k.Sealing...)}
		if k.Primary {
			x.Sealing = append(x.Sealing, eng.Name())
			slices.Sort(x.Sealing)
		}
		switch sealing := len(alive(eng, x.Sealing)); {
		case len(alive(eng, k.Lacking)) > 0:
			x.State = api.KeySpreading
		case sealing == all:
			x.State = api.KeyInUse
		case sealing > 0:
			x.State = api.KeyChanging
		}
		list = append(list, x)
	}
	return list
}

// changeKeys brings all agents one step further: install a key (the body has its text), use one, or
// remove one (its number).
func (s *Server) changeKeys(w http.ResponseWriter, r *http.Request) {
	step := r.PathValue("step")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		problem(w, http.StatusBadRequest, exit.Plain(err), "")
		return
	}
	c, err := readKeyChange(step, strings.TrimSpace(string(body)))
	if err != nil {
		problem(w, http.StatusBadRequest, exit.Plain(err), "")
		return
	}
	if !s.opt.Sealed {
		problem(w, http.StatusBadRequest, "this cluster runs without keys: a key sent over it could be read by everybody", "start its members with keys")
		return
	}
	if text, fix := unsafeStep(s.opt.Space.Engine(), c); text != "" {
		problem(w, http.StatusConflict, text, fix)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askWait)
	defer cancel()
	answers, missing, err := s.opt.Query.Ask(ctx, "keys", c)
	if err != nil {
		problem(w, http.StatusServiceUnavailable, exit.Plain(err), "")
		return
	}
	res := api.KeyResult{Step: step, ID: c.ID, Steps: []api.KeyStep{}, Missing: missing}
	for _, a := range answers {
		res.Steps = append(res.Steps, api.KeyStep{Member: a.Member, Done: a.Error == "", Error: a.Error})
	}
	slices.SortFunc(res.Steps, func(a, b api.KeyStep) int { return strings.Compare(a.Member, b.Member) })
	res.States = s.settledKeys(ctx, c)
	res.Next = nextStep(&res)
	ok(w, res)
}
