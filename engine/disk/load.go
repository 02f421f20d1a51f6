package disk

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
)

const (
	filePrefix = "quidnunc"
	lockName   = filePrefix + ".lock"
	logEnd     = ".log"
	snapEnd    = ".snapshot"
	valueEnd   = ".value"
	asideEnd   = ".damaged"
	tempEnd    = ".new"

	asideMax    = 4   // files that are kept aside
	recordBytes = 256 // of a file for each record that room is made for at once
)

func numbered(number uint64, end string) string {
	return fmt.Sprintf("%s-%016d%s", filePrefix, number, end)
}

// numberOf reads a name that numbered made.
func numberOf(name, end string) (number uint64, ok bool) {
	digits, is := strings.CutPrefix(strings.TrimSuffix(name, end), filePrefix+"-")
	if !is || !strings.HasSuffix(name, end) {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && name == numbered(number, end)
}

// Image is what a directory holds of a member.
type Image struct {
	// Generation is the highest that was used, 0 where nothing is here, and Seq the
	// newest version of it. Floor is up to where deletes may be missing.
	Generation, Seq, Floor uint64
	// Keeps: the member may go on under Generation: it has all that it ever told others.
	Keeps bool
	// Records are the newest writes, one for each key, in the order of their versions;
	// deletes and shared keys only of Generation and where it may be kept.
	Records []Record
	// Held are shared keys beside: what others' logs had on them, or own ones of before, the
	// one that is worth most of each key, in the order of the keys.
	Held []Record
	// Members are the members that were known last.
	Members []Member
	// Wall is when something was last written: Unix nanoseconds.
	Wall int64
	// Secrets are what PutSecrets kept last, with Options.Secrets.
	Secrets []byte
	// Notes say what was damaged, one line each.
	Notes []string

	stale bool // there is a file with secrets
}

// reader builds an image from the files of a directory.
type reader struct {
	o    *Options
	i    *Image
	keys map[string]int // place in all
	held map[string]Record
	all  []Record // Key nil: replaced
	gap  bool     // something is missing
	last header   // of the newest log
	done bool     // the newest log was closed in order
	left bool
	torn bool // the newest log ends in the middle of a block
	next uint64
	old  []string // files that the next snapshot makes superfluous
	bad  []string // damaged ones among them, to be set aside

	used    map[sum]bool // if not nil, what those records refer to that only later ones than durable replace
	durable uint64
}

// read reads the newest snapshot and all logs since.
func (r *reader) read() error {
	err := r.scan()
	if err == nil {
		r.finish()
	}
	return err
}

// scan is read up to keys and all.
func (r *reader) scan() error {
	names, err := r.o.FS.List()
	if err != nil {
		return err
	}
	if err := r.readSecrets(names); err != nil {
		return err
	}
	r.keys, r.held = make(map[string]int), make(map[string]Record)
	var logs, snaps []uint64
	for _, name := range names {
		if n, ok := numberOf(name, logEnd); ok {
			logs = append(logs, n)
		} else if n, ok := numberOf(name, snapEnd); ok {
			snaps = append(snaps, n)
		}
	}
	slices.Sort(logs)
	slices.Sort(snaps)
	from, err := r.readSnapshots(snaps)
	if err != nil {
		return err
	}
	expect := max(from, 1)
	for _, n := range logs {
		if n < from {
			r.old = append(r.old, numbered(n, logEnd))
			continue
		}
		r.gap = r.gap || n != expect
		expect = n + 1
		if err := r.readLog(n); err != nil {
			return err
		}
	}
	r.next = max(expect, from+1)
	return nil
}

// readSnapshots reads the newest snapshot that is whole; else what is left of the newest.
func (r *reader) readSnapshots(snaps []uint64) (number uint64, err error) {
	for i, n := range slices.Backward(snaps) {
		name := numbered(n, snapEnd)
		whole, err := r.readFile(name, snapshotFile)
		if err != nil {
			return 0, err
		}
		r.old = append(r.old, name)
		if whole || i == 0 {
			for _, n := range snaps[:i] {
				r.old = append(r.old, numbered(n, snapEnd))
			}
			return n, nil
		}
		r.gap = true // what an older one says is overtaken by version
	}
	return 0, nil
}

// readLog reads one log.
func (r *reader) readLog(n uint64) error {
	name := numbered(n, logEnd)
	r.old = append(r.old, name)
	r.gap = r.gap || r.torn // of the one before
	r.done, r.torn, r.last = false, false, header{}
	_, err := r.readFile(name, logFile)
	return err
}

// readFile takes in what a file holds. whole: it is a snapshot that has its end.
func (r *reader) readFile(name string, kind fileKind) (whole bool, err error) {
	b, err := r.o.FS.Read(name)
	if err != nil {
		return false, err
	}
	h, at, err := r.readHead(name, b)
	switch refused := (*Error)(nil); {
	case errors.As(err, &refused):
		return false, err
	case err != nil && kind == logFile && len(b) <= fileHead+len(r.o.Cluster)+len(r.o.Name)+4: // it was made, and the power failed
		r.torn = true
		return false, nil
	case err != nil || h.kind != kind:
		r.damage(name, 0, len(b), "its head is damaged: nothing of it can be read")
		return false, nil
	}
	r.entersLife(&h)
	r.all = slices.Grow(r.all, len(b)/recordBytes)
	s := newBlocks(b, h.salt, at)
	for blk := (block{}); s.next(&blk); {
		r.take(&h, &blk)
		whole = blk.kind == blockEnd
	}
	r.judge(name, &h, &s, whole)
	return whole && s.damaged+s.torn == 0, nil
}

// readHead reads the head of a file. An *Error says that it is not for this program or this member
// to touch.
func (r *reader) readHead(name string, b []byte) (h header, at int, err error) {
	h, at, err = parseHeader(b)
	switch _, later := err.(versionError); {
	case later:
		err = &Error{Path: r.o.FS.Path(), Problem: fmt.Sprintf("%s: %v", name, err), Fix: "use the program that wrote it, or a later one"}
	case err == nil && (h.cluster != r.o.Cluster || h.name != r.o.Name):
		err = &Error{
			Path: r.o.FS.Path(), Problem: fmt.Sprintf("holds the state of member %q of cluster %q", h.name, h.cluster),
			Fix: fmt.Sprintf("give member %q of cluster %q a directory of its own", r.o.Name, r.o.Cluster),
		}
	}
	return h, at, err
}

// entersLife notes the head of a file.
func (r *reader) entersLife(h *header) {
	r.enters(h.generation)
	if h.kind == logFile {
		r.last = *h
	}
}

// enters notes a generation. Deletes of the one before mean nothing in the next: nobody
// holds what they deleted. Shared keys are said anew in the next, if at all.
func (r *reader) enters(generation uint64) {
	if generation <= r.i.Generation {
		return
	}
	r.i.Generation, r.i.Floor, r.left = generation, 0, false
	for i := range r.all {
		switch x := &r.all[i]; {
		case x.Key == nil:
		case x.Op == OpDelete:
			delete(r.keys, string(x.Key))
			x.Key = nil
		case codec.Shared(x.Key):
			delete(r.keys, string(x.Key))
			r.hold(*x)
			x.Key = nil
		}
	}
}

// hold keeps what a shared key holds, or held.
func (r *reader) hold(rec Record) {
	if rec.Op == OpDelete { // it took something back from a log that is gone
		return
	}
	rec.Op = OpHeld
	if was, ok := r.held[string(rec.Key)]; !ok || r.o.Above == nil || !r.o.Above(&was, &rec) {
		r.held[string(rec.Key)] = rec
	}
}

// take takes in one block.
func (r *reader) take(h *header, b *block) {
	r.done = false
	r.i.Wall = max(r.i.Wall, b.wall)
	switch b.kind {
	case blockWrites:
		r.writes(b)
	case blockMembers:
		r.i.Members = parseMembers(b.body)
	case blockPosition, blockClosed:
		if p, ok := parsePosition(b.body); ok {
			r.enters(p.generation)
			r.i.Seq, r.i.Floor = max(r.i.Seq, p.seq), max(r.i.Floor, p.floor)
			r.done, r.left = b.kind == blockClosed && h.kind == logFile, r.left || p.left
		}
	}
}

// writes takes in the records of a block.
func (r *reader) writes(b *block) {
	for at := 0; at < len(b.body); {
		rec := Record{Wall: b.wall}
		size := readRecord(b.body[at:], &rec)
		if size == 0 {
			r.gap = true // the checksum holds, so somebody else wrote it
			return
		}
		at += size
		r.i.Seq = max(r.i.Seq, rec.Version)
		r.write(rec)
	}
}

func (r *reader) write(rec Record) {
	if rec.Op == OpHeld {
		r.hold(rec)
		return
	}
	i, ok := r.keys[string(rec.Key)]
	switch {
	case !ok:
		r.keys[string(rec.Key)] = len(r.all)
	case r.all[i].Version > rec.Version:
		return
	default:
		if r.used != nil && rec.Version > r.durable {
			refer(r.used, &r.all[i])
		}
		r.all[i].Key = nil
		r.keys[string(rec.Key)] = len(r.all)
	}
	r.all = append(r.all, rec)
}

// judge notes what of a file was no block. The end of the newest log may be torn: that
// is how a process ends that is killed, and a machine whose power fails.
func (r *reader) judge(name string, h *header, s *blocks, whole bool) {
	if h.kind == logFile {
		r.torn = s.torn > 0
	}
	switch {
	case s.damaged > 0:
		r.damage(name, s.first, s.damaged+s.torn, "what stands before and after it was read")
	case h.kind == snapshotFile && !whole:
		r.damage(name, len(s.b)-s.torn, s.torn, "its end is missing: what stands before it was read")
	}
}

func (r *reader) damage(name string, at, bytes int, what string) {
	r.gap = true
	r.bad = append(r.bad, name)
	r.i.Notes = append(r.i.Notes, fmt.Sprintf("%s is damaged: %d bytes at byte %d: %s: the file is kept as %s", name, bytes, at, what, name+asideEnd))
}

// finish sorts what was read.
func (r *reader) finish() {
	i := r.i
	whole := !r.gap && !r.torn && i.Generation > 0
	i.Keeps = whole && !r.left && (r.done || r.last.flags&syncedEach != 0)
	i.Records = slices.DeleteFunc(r.all, func(rec Record) bool {
		if rec.Key != nil && !i.Keeps && codec.Shared(rec.Key) {
			r.hold(rec)
			return true
		}
		return rec.Key == nil || !i.Keeps && rec.Op == OpDelete
	})
	slices.SortFunc(i.Records, func(a, b Record) int { return cmp.Compare(a.Version, b.Version) })
	i.Held = slices.SortedFunc(maps.Values(r.held), func(a, b Record) int { return bytes.Compare(a.Key, b.Key) })
}
