package engine

import (
	"errors"
	"hash/maphash"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// declared is what a member says of itself, as far as it is known here. Tags is
// never changed once a snapshot may have it: a change makes another map.
type declared struct {
	id   codec.OriginID
	zone string
	tags map[string]string
}

// SetTags replaces the tags that this member says of itself. Only those that
// differ are written; each is an element of its own, and the newest one counts.
// They arrive together as far as they fit one frame. Errors: a *ConfigError
// that names the tag, ErrBackpressure, ErrFull, ErrNameConflict, ErrClosed;
// then nothing was changed.
func (e *Engine) SetTags(tags map[string]string) error {
	if err := checkTags("Tags", tags); err != nil {
		return err
	}
	if err := e.refuses(); err != nil {
		return err
	}
	e.tagsMu.Lock()
	defer e.tagsMu.Unlock()
	if err := e.write(tagWrites(e.tags, tags)); err != nil {
		return err
	}
	e.tags = maps.Clone(tags)
	return nil
}

// SetAdvertise changes the address that this member tells others. Members that
// know it greet it there, and send there once it has answered: an address that
// does not work changes nothing. A member whose address changed, and that declared the old
// one, by Config.Advertise or here, declares the new one with it, as soon as it can: until
// then it is found where it speaks from, but who has not heard it looks for it where it says
// that it is. Two that swap addresses and go on to say the old ones never meet each other,
// though each meets all others. One that declares none is followed. Errors as for SetTags.
func (e *Engine) SetAdvertise(addr netip.AddrPort) error {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if !codec.Dialable(addr) || addr.Addr().Zone() != "" {
		return bad("Advertise", addr.String(), "can't be reached", "give an IP address and a port")
	}
	if !e.ask(func(now sched.Instant) {
		e.core.Advertise(now, addr)
		e.here = addr
	}) {
		return ErrClosed
	}
	return e.write([]declaration{{key: string(declare.AddrKey), value: declare.AppendAddr(nil, addr)}})
}

// declaration is one write of a reserved key.
type declaration struct {
	key    string
	value  []byte
	delete bool
}

// tagWrites is how one set of tags becomes another, in the order of their names.
func tagWrites(from, to map[string]string) (out []declaration) {
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if old, had := from[name]; !had || old != to[name] {
			out = append(out, declaration{key: string(declare.TagPrefix) + name, value: []byte(to[name])})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, has := to[name]; !has {
			out = append(out, declaration{key: string(declare.TagPrefix) + name, delete: true})
		}
	}
	return out
}

// write stages declarations, all or none.
func (e *Engine) write(list []declaration) error {
	if len(list) == 0 {
		return nil
	}
	if err := e.refuses(); err != nil {
		return err
	}
	last, wake, err := e.stage.writeAll(list)
	_, err = e.staged(last, wake, err)
	return err
}

// writeAll stages several writes with consecutive versions, all or none.
func (s *stage) writeAll(list []declaration) (last Version, wake bool, err error) {
	bytes := 0
	for i := range list {
		bytes += recordHead + len(list[i].key) + len(list[i].value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch b := s.front; {
	case s.err != nil:
		return last, false, s.err
	case b.used+bytes > len(b.log) || b.count+len(list) >= len(b.index)*3/4:
		return last, false, ErrBackpressure
	}
	for i := range list {
		d, op := &list[i], uint8(opSet)
		if d.delete {
			op = opDelete
		}
		s.version.Seq++
		appendRecord(s.front, maphash.String(s.seed, d.key), s.version.Seq, &stagedWrite{op: op, value: d.value}, d.key)
	}
	s.pending.Add(int64(len(list)))
	return s.version, !s.waiting.Load() && s.waiting.CompareAndSwap(false, true), nil
}

// declareSelf writes what the configuration says of this member, before
// anything else is written. It gives the records of it, for the disk.
func (e *Engine) declareSelf(now sched.Instant, advertise netip.AddrPort) (records []byte, err error) {
	list := tagWrites(nil, e.cfg.Tags)
	if e.cfg.Zone != "" {
		list = append(list, declaration{key: string(declare.ZoneKey), value: []byte(e.cfg.Zone)})
	}
	if e.cfg.Advertise != "" && !advertise.Addr().IsUnspecified() {
		list = append(list, declaration{key: string(declare.AddrKey), value: declare.AppendAddr(nil, advertise)})
	}
	if e.large.streams != nil {
		list = append(list, declaration{key: string(streamKey), value: e.large.appendStreamKey(nil)})
	}
	list = e.kept.differing(list)
	for i := range list {
		r := disk.Record{Version: e.store.Max(e.store.Owner()) + 1, Key: []byte(list[i].key), Value: list[i].value}
		e.op = core.Op{Kind: core.Set, Version: r.Version, Key: r.Key, Value: r.Value}
		if list[i].delete {
			e.op.Kind, r.Op = core.Delete, disk.OpDelete
		}
		if e.core.Write(now, &e.op) != core.Written {
			return nil, errors.New("engine: no room for zone and tags: raise Config.Limits")
		}
		records = disk.AppendRecord(records, &r)
	}
	e.tags = maps.Clone(e.cfg.Tags)
	return records, nil
}

// differing leaves out what is declared already, and takes back what is not any more.
func (k *keeper) differing(list []declaration) []declaration {
	if len(k.was) == 0 {
		return list
	}
	list = slices.DeleteFunc(list, func(d declaration) bool {
		was, ok := k.was[d.key]
		delete(k.was, d.key)
		return ok && was == string(d.value)
	})
	for _, key := range slices.Sorted(maps.Keys(k.was)) {
		list = append(list, declaration{key: key, delete: true})
	}
	return list
}

// declaredBy is what a member says of itself, by origin.
func (e *Engine) declaredBy(o state.Origin) *declared {
	for int(o) >= len(e.declared) {
		e.declared = append(e.declared, declared{})
	}
	d := &e.declared[o]
	if id := e.store.ID(o); d.id != id && id != 0 {
		if o != e.store.Owner() { // ours stay when we take a new generation
			*d = declared{}
		}
		d.id = id
	}
	return d
}

// declares takes in what a member newly says of itself after version from. It
// reports whether anything is different.
func (e *Engine) declares(o state.Origin, from uint64) (changed bool) {
	d, c := e.declaredBy(o), &e.watches.cursor
	zone, tags := d.zone, maps.Clone(d.tags)
	e.store.After(o, from, c)
	for c.Next(&e.entry) {
		key := string(e.entry.Key)
		name, tag := strings.CutPrefix(key, string(declare.TagPrefix))
		switch {
		case key == string(declare.ZoneKey):
			zone = label(e.entry.Value, ZoneBytesMax)
		case !tag || label([]byte(name), TagNameBytesMax) == "":
		case e.entry.Flags&codec.EntryTombstone != 0:
			delete(tags, name)
		case len(tags) < TagsMax || tags[name] != "":
			if tags == nil {
				tags = map[string]string{}
			}
			tags[name] = text(e.entry.Value, TagValueBytesMax)
		}
	}
	changed = zone != d.zone || !maps.Equal(tags, d.tags)
	if changed {
		d.zone, d.tags = zone, tags
	}
	return changed
}

// label is what another member wrote where we expect a short printable name;
// empty if it is not one.
func label(b []byte, most int) string {
	if len(b) > most || codec.Unprintable(b) >= 0 {
		return ""
	}
	return string(b)
}

// text is what another member wrote where we expect text.
func text(b []byte, most int) string {
	return strings.ToValidUTF8(string(b[:min(len(b), most)]), "\ufffd")
}
