package engine

import (
	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// auditEvery is how often the loop looks for losses worth a line in the log.
const auditEvery = 10 * sched.Second

// audit logs losses that grew since the last look. Only lines in the log allocate.
func (e *Engine) audit(now sched.Instant) {
	e.auditAt = now.After(auditEvery)
	t, was := &e.sampled.next, &e.audited
	e.count(t)
	if s := e.core.Parts().Keys; s != nil && s.Worn() {
		e.reseal(now)
	}
	if was.answering > 0 { // else it is the first look
		e.logLosses(was, t)
		e.logDamage(&was.core, &t.core)
	}
	*was = *t
}

// logLosses tells of datagrams that were lost between two looks.
func (e *Engine) logLosses(was, is *tally) {
	grew := func(was, is uint64, text string) {
		if is > was {
			e.herald.warn(text, "member", e.cfg.Name, "datagrams", is-was)
		}
	}
	dropped := func(d core.Drop, text string) { grew(was.core.Drops[d], is.core.Drops[d], text) }
	grew(was.socket.KernelDrops, is.socket.KernelDrops, "the kernel dropped datagrams: raise net.core.rmem_max")
	dropped(core.DropChecksum, "garbled datagrams arrived")
	dropped(core.DropCluster, "datagrams of another cluster arrived")
	if n := is.core.Drops[core.DropFull] - was.core.Drops[core.DropFull]; n > 0 && is.holes == 0 { // else a line says so: full.go
		e.herald.warn("a limit of Config.Limits is reached: raise it", append([]any{"member", e.cfg.Name, "datagrams", n}, e.tightest(is)...)...)
	}
	for k := range batch.ErrorKind(batch.ErrorKinds) {
		if d := is.socket.SendErrors[k] - was.socket.SendErrors[k]; d > 0 && k != batch.Again {
			e.herald.warn("datagrams were refused on sending", "member", e.cfg.Name, "kind", k.String(), "datagrams", d)
		}
	}
}

// logDamage tells of entries that were not what their owners hold. Where a checkpoint found
// them, an event says so.
func (e *Engine) logDamage(was, is *core.Counters) {
	found := func(c *core.Counters) uint64 {
		return c.AuditMissing + c.AuditDamaged + c.AuditRemoved + c.AuditForeign
	}
	if n := found(is) - found(was); n > 0 && is.Contradicted == was.Contradicted {
		e.herald.warn("entries of other members were not what their owners hold: test the memory of this host, and report it if that is sound",
			"member", e.cfg.Name, "entries", n, "missing", is.AuditMissing, "damaged", is.AuditDamaged, "removed", is.AuditRemoved, "foreign", is.AuditForeign)
	}
}

// tightest tells of the limit of which most is used, as the log does: what was dropped for want of
// room says not of which. A quarter of the seats is not for those whom nobody has met.
func (e *Engine) tightest(is *tally) (args []any) {
	s, l, most := e.store, e.store.Limits(), 0.0
	look := func(limit string, used, value int, by state.Origin, has int) {
		share := float64(used) / float64(value)
		if value == 0 || share <= most {
			return
		}
		most, args = share, []any{"limit", limit, "value", value, "used", used}
		if by != 0 {
			args = append(args, "most", e.nameOf(by), "has", has)
		}
	}
	known, keys, cells, bytes := 0, s.Owner(), s.Owner(), s.Owner()
	for _, n := range is.members {
		known += n
	}
	for o := s.FirstAtOrAfter(0); o != 0; o = s.Following(o) {
		if s.Keys(o) > s.Keys(keys) {
			keys = o
		}
		if s.CellBytes(o) > s.CellBytes(cells) {
			cells = o
		}
		if s.Bytes(o) > s.Bytes(bytes) {
			bytes = o
		}
	}
	look("Limits.Origins", max(known, is.members[StateUnknown]+l.Origins/4), l.Origins, 0, 0)
	look("Limits.KeysPerOrigin", s.Keys(keys), l.KeysPerOrigin, keys, s.Keys(keys))
	look("Limits.BytesPerOrigin", s.Bytes(bytes), l.BytesPerOrigin, bytes, s.Bytes(bytes))
	look("Limits.Keys", is.store.LiveKeys, l.Keys, keys, s.Keys(keys))
	look("Limits.ValueBytes", is.store.CellBytes, l.ValueBytes, cells, s.CellBytes(cells))
	return args
}
