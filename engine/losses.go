package engine

import (
	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
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
	if is.holes == 0 { // else a line says so: full.go
		dropped(core.DropFull, "a limit of Config.Limits is reached")
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
