package share

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
	"pgregory.net/rapid"
)

// said is a claim in the log of an origin.
type said struct {
	in    codec.OriginID
	claim Claim
	value string
}

// anyHistory is what members with clocks that are off by up to 20 s write to one key: each by the
// rule of the last or of the first writer, with what they have heard of, and some of it adopted.
// Logs are in order.
func anyHistory(t *rapid.T, origins int) (all []said) {
	clocks := make([]Clock, origins+1)
	skews := make([]sched.Wall, origins+1)
	for i := range skews {
		skews[i] = sched.Wall(rapid.Int64Range(-20, 20).Draw(t, "skew")) * sched.Second
	}
	for i := range rapid.IntRange(1, 15).Draw(t, "writes") {
		id := rapid.IntRange(1, origins).Draw(t, "origin")
		if len(all) > 0 && rapid.IntRange(0, 3).Draw(t, "adopts") == 0 {
			x := rapid.SampledFrom(all).Draw(t, "claim")
			x.in = codec.OriginID(id)
			all = append(all, x)
			continue
		}
		wall := testWall - 100*sched.Second + sched.Wall(i)*sched.Second/2 + skews[id]
		if len(all) > 0 && rapid.Bool().Draw(t, "hears") {
			clocks[id].See(rapid.SampledFrom(all).Draw(t, "heard").claim.Stamp, wall, 500*sched.Millisecond)
		}
		c := anyClaim(t)
		c.Author, c.Stamp = Author(id), clocks[id].Next(wall)
		x := said{codec.OriginID(id), c, ""}
		if !c.Deleted {
			x.value = fmt.Sprint("v", i)
		}
		all = append(all, x)
	}
	return all
}

// shuffled is a history in an order in which logs may arrive: that of each origin stays.
func shuffled(t *rapid.T, all []said) (out []said) {
	logs := map[codec.OriginID][]said{}
	var turns []codec.OriginID
	for _, x := range all {
		logs[x.in] = append(logs[x.in], x)
		turns = append(turns, x.in)
	}
	for _, id := range rapid.Permutation(turns).Draw(t, "turns") {
		out = append(out, logs[id][0])
		logs[id] = logs[id][1:]
	}
	return out
}

// TestMergeUnderSkew: logs that hold the same have one winner, which the order of claims alone
// decides: in whatever order they come, however often, and where a part came long before the rest.
func TestMergeUnderSkew(t *testing.T) {
	const origins = 4
	rapid.Check(t, func(t *rapid.T) {
		all := anyHistory(t, origins)
		last := map[codec.OriginID]said{}
		for _, x := range all {
			last[x.in] = x
		}
		want := said{}
		for id, x := range last {
			if want.in == 0 || better(&x.claim, x.value, id, &want.claim, want.value, want.in) {
				want = x
			}
		}
		check := func(how string, list []said, again bool) {
			r := newReplica(t, origins)
			for _, x := range list {
				r.write(t, x.in, "k", &x.claim, x.value)
				if again && rapid.Bool().Draw(t, "again") {
					r.offer(x.in, "k")
				}
			}
			v, c, _, ok := r.index.AppendGet(nil, logKey("k"))
			if ok == want.claim.Deleted || string(v) != want.value || c != want.claim || r.ownerID("k") != want.in {
				t.Fatalf("%s: %q %+v of %d, want %+v", how, v, c, r.ownerID("k"), want)
			}
		}
		order := shuffled(t, all)
		check("in another order", order, false)
		check("more than once", order, true)
		var part, whole []said
		for _, x := range order {
			if rapid.Bool().Draw(t, "early") {
				part = append(part, x)
			}
		}
		check("a part, then all", append(append(whole, part...), order...), false)
	})
}

// offer tells the index of a claim that it knows.
func (r *replica) offer(id codec.OriginID, key string) {
	var e codec.Entry
	if o := r.store.Find(id); r.store.Get(o, logKey(key), &e) {
		r.index.Changed(o, &e, testWall)
	}
}

// TestMergeOfTheFuture: claims that came before their time have the winner that they would have
// had, once it has come.
func TestMergeOfTheFuture(t *testing.T) {
	const origins = 3
	rapid.Check(t, func(t *rapid.T) {
		early, late := newReplica(t, origins), newReplica(t, origins)
		for i := range rapid.IntRange(1, 8).Draw(t, "writes") {
			c := anyClaim(t)
			id := codec.OriginID(rapid.IntRange(1, origins).Draw(t, "origin"))
			c.Author = Author(id)
			c.Stamp = At(testWall + sched.Wall(rapid.Int64Range(-2, 5).Draw(t, "ahead"))*sched.Second)
			value := ""
			if !c.Deleted {
				value = fmt.Sprint("v", i)
			}
			early.write(t, id, "k", &c, value)
			late.writeAt(t, id, "k", &c, value, testWall+10*sched.Second)
		}
		then := testWall + 10*sched.Second
		for o := early.index.Ripe(then); o != 0; o = early.index.Ripe(then) {
			early.index.Ripen(o, 0, 100, func(o state.Origin, key []byte) {
				var e codec.Entry
				early.store.Get(o, key, &e)
				early.index.Changed(o, &e, then)
			})
		}
		a, okA := early.get("k")
		b, okB := late.get("k")
		if a != b || okA != okB || early.ownerID("k") != late.ownerID("k") {
			t.Fatalf("%q %v of %d, want %q %v of %d", a, okA, early.ownerID("k"), b, okB, late.ownerID("k"))
		}
	})
}
