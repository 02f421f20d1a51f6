package reconcile

import (
	"fmt"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// silent is a book whose introductions say nothing.
type silent struct{}

func (silent) Intro(_ state.Origin, in *codec.Intro) { *in = codec.Intro{} }

type replica struct {
	state.Store
	f Filler
}

func newReplica() *replica {
	r := new(replica)
	r.Init(state.LimitsDefault(), 1)
	r.f.Init(&r.Store, silent{}, 64)
	return r
}

func (r *replica) put(t *testing.T, id codec.OriginID, kv map[string]uint64) {
	t.Helper()
	o := r.Find(id)
	if o == 0 {
		var st state.Status
		if o, st = r.Add(id, 1, fmt.Append(nil, "origin", id)); st != state.OK {
			t.Fatal(st)
		}
	}
	keys := []string{}
	for k := range kv {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return int(kv[a]) - int(kv[b]) })
	for _, k := range keys {
		if st := r.Apply(o, &codec.Entry{Version: kv[k], Key: []byte(k), Value: []byte(k)}); st != state.OK {
			t.Fatal(k, st)
		}
	}
	r.Advance(o, kv[keys[len(keys)-1]], 0)
}

// delta is what `from` sends to `to` in one frame of at most limit bytes.
func delta(t *testing.T, from, to *replica, limit int, order tune.Order) (deltas []string, frame []byte) {
	t.Helper()
	window, _, last := AppendWindow(nil, 1<<15, &to.Store, 0, codec.DigestWantRuns)
	if !last {
		t.Fatal("digest does not fit")
	}
	var d codec.Digest
	_, body, _ := codec.NextRecord(window)
	if err := codec.ParseDigest(body, &d); err != nil {
		t.Fatal(err)
	}
	var j Job
	j.Init(64)
	j.Reset(1, -1)
	(&View{Store: &from.Store}).Compare(&d, &j, nil)
	j.Arrange(order, 0)
	frame, _ = from.f.Fill(nil, limit, &j, order)
	for b := frame; len(b) > 0; {
		var body []byte
		_, body, b = codec.NextRecord(b)
		var r codec.Run
		if err := codec.ParseRun(body, &r); err != nil {
			t.Fatal(err)
		}
		var it codec.RunIter
		var e codec.Entry
		for it.Reset(&r); it.Next(&e); {
			deltas = append(deltas, fmt.Sprintf("%d %s %d", r.ID, e.Key, e.Version))
		}
	}
	return deltas, frame
}

func (r *replica) take(t *testing.T, frame []byte) {
	t.Helper()
	for len(frame) > 0 {
		var body []byte
		_, body, frame = codec.NextRecord(frame)
		var run codec.Run
		if err := codec.ParseRun(body, &run); err != nil {
			t.Fatal(err)
		}
		var it codec.RunIter
		Apply(&r.Store, r.Find(run.ID), &run, &it)
	}
}

// TestFigure1 is the table of the paper's Figure 1: after p and q each received
// only (r, a, 21), they have nothing to tell each other about r, although they
// hold different versions of b and c; only r can.
func TestFigure1(t *testing.T) {
	const id = 7
	p, q, r := newReplica(), newReplica(), newReplica()
	r.put(t, id, map[string]uint64{"a": 21, "b": 22, "c": 23})
	p.put(t, id, map[string]uint64{"a": 1, "b": 2, "c": 3})
	q.put(t, id, map[string]uint64{"a": 11, "b": 12, "c": 13})
	for _, x := range []*replica{p, q} { // time 2
		x.put(t, id, map[string]uint64{"a": 21})
	}
	show := func(x *replica) (s []string) {
		var cur state.Cursor
		var e codec.Entry
		for x.After(x.Find(id), 0, &cur); cur.Next(&e); {
			s = append(s, fmt.Sprintf("%s->%d", e.Key, e.Version))
		}
		slices.Sort(s)
		return s
	}
	for _, c := range []struct {
		name string
		at   *replica
		want []string
	}{
		{"p", p, []string{"a->21", "b->2", "c->3"}},
		{"q", q, []string{"a->21", "b->12", "c->13"}},
		{"r", r, []string{"a->21", "b->22", "c->23"}},
	} {
		if got := show(c.at); !slices.Equal(got, c.want) {
			t.Errorf("at %s: %v, want %v", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name     string
		from, to *replica
		want     []string
	}{
		{"p to q", p, q, nil},
		{"q to p", q, p, nil},
		{"r to p", r, p, []string{"7 b 22", "7 c 23"}},
		{"r to q", r, q, []string{"7 b 22", "7 c 23"}},
	} {
		if got, _ := delta(t, c.from, c.to, 1<<14, tune.OrderFair); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// world fills two replicas of many origins, of which q lacks a suffix each.
func world(t *testing.T) (p, q *replica, missing int) {
	p, q = newReplica(), newReplica()
	for id := codec.OriginID(1); id <= 20; id++ {
		all, some := map[string]uint64{}, map[string]uint64{}
		n := uint64(id) * 3
		for v := uint64(1); v <= n; v++ {
			k := fmt.Sprint("key", v)
			all[k] = v
			if v <= n/2 {
				some[k] = v
			}
		}
		p.put(t, id, all)
		q.put(t, id, some)
		missing += int(n - n/2)
	}
	return p, q, missing
}

// TestUnboundedIsExact: with an unlimited frame the delta is the exact
// difference, as with precise reconciliation.
func TestUnboundedIsExact(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderDepth, tune.OrderBreadth} {
		p, q, missing := world(t)
		got, frame := delta(t, p, q, 1<<15, order)
		if len(got) != missing {
			t.Fatalf("order %d: %d deltas, %d differ", order, len(got), missing)
		}
		q.take(t, frame)
		if p.Fingerprint() != q.Fingerprint() {
			t.Fatalf("order %d: not equal after the exact difference", order)
		}
	}
}

// TestTruncationIsAPrefix: whatever the limit and the order, of each origin the
// lowest missing versions are sent, and nothing that the receiver has.
func TestTruncationIsAPrefix(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderDepth, tune.OrderBreadth} {
		for limit := 40; limit < 3000; limit += 37 {
			p, q, _ := world(t)
			got, frame := delta(t, p, q, limit, order)
			if len(frame) > limit {
				t.Fatalf("order %d: %d bytes, limit %d", order, len(frame), limit)
			}
			next := map[int]int{}
			for _, d := range got {
				var id, v int
				var k string
				fmt.Sscan(d, &id, &k, &v)
				if next[id] == 0 {
					next[id] = id*3/2 + 1
				}
				if v != next[id] {
					t.Fatalf("order %d, limit %d: origin %d sends %d, want %d", order, limit, id, v, next[id])
				}
				next[id]++
			}
		}
	}
}

// TestOrders: depth sends the origin with most missing first and whole, breadth
// and fair give every origin something before anyone gets everything.
func TestOrders(t *testing.T) {
	count := func(order tune.Order, limit int) (origins int, first int) {
		p, q, _ := world(t)
		got, _ := delta(t, p, q, limit, order)
		seen := map[int]bool{}
		for i, d := range got {
			var id int
			fmt.Sscan(d, &id)
			seen[id] = true
			if i == 0 {
				first = id
			}
		}
		return len(seen), first
	}
	if n, first := count(tune.OrderDepth, 600); first != 20 || n > 2 {
		t.Errorf("depth: %d origins, the first is %d", n, first)
	}
	if n, _ := count(tune.OrderBreadth, 1200); n != 20 {
		t.Errorf("breadth: %d origins of 20", n)
	}
	if n, _ := count(tune.OrderFair, 1200); n < 8 {
		t.Errorf("fair: %d origins", n)
	}
}

// TestWindowsTile: whatever the room, windows follow each other without a gap
// and cover everything; too little room gives none.
func TestWindowsTile(t *testing.T) {
	r := newReplica()
	for id := codec.OriginID(1); id <= 40; id++ {
		r.put(t, id*1000, map[string]uint64{"k": uint64(id)})
	}
	for limit := 0; limit < 400; limit++ {
		next, seen := codec.OriginID(0), 0
		for range 200 {
			out, after, last := AppendWindow(nil, limit, &r.Store, next, 0)
			if out == nil {
				if limit > 60 {
					t.Fatalf("limit %d: no window", limit)
				}
				break
			}
			var d codec.Digest
			_, body, _ := codec.NextRecord(out)
			if err := codec.ParseDigest(body, &d); err != nil || d.Lo != next || len(out) > limit {
				t.Fatalf("limit %d: %v, from %d, want %d", limit, err, d.Lo, next)
			}
			seen += d.Count
			if last {
				if seen != 40 {
					t.Fatalf("limit %d: %d origins", limit, seen)
				}
				break
			}
			if d.Hi != after-1 {
				t.Fatalf("limit %d: a hole after %d", limit, d.Hi)
			}
			next = after
		}
	}
}

// TestFairByWeight: an origin with three times the weight gets three times the
// bytes while both have more than fits.
func TestFairByWeight(t *testing.T) {
	from := newReplica()
	for _, id := range []codec.OriginID{5, 7, 9} {
		kv := map[string]uint64{}
		for i := range uint64(200) {
			kv[fmt.Sprintf("key-%03d", i)] = i + 1
		}
		from.put(t, id, kv)
	}
	from.f.Weigh(from.Find(7), 3)
	var j Job
	j.Init(8)
	got := map[codec.OriginID]int{}
	for range 50 {
		j.Reset(1, -1)
		for _, id := range []codec.OriginID{5, 7, 9} {
			j.Add(Want{ID: id, Origin: from.Find(id), From: 1, Missing: 199})
		}
		b, _ := from.f.Fill(nil, 1400, &j, tune.OrderFair)
		for kind, body, rest := codec.NextRecord(b); kind != 0; kind, body, rest = codec.NextRecord(rest) {
			var r codec.Run
			if err := codec.ParseRun(body, &r); err != nil {
				t.Fatal(err)
			}
			got[r.ID] += r.Count
		}
	}
	t.Log(got)
	if light := (got[5] + got[9]) / 2; got[7] < 2*light || got[7] > 4*light {
		t.Errorf("%v", got)
	}
}
