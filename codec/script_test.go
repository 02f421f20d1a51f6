package codec

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/fuzz/golden"
)

// TestRecordsScript: every record that there is a sample of, with some bits turned over,
// cut or longer: what is refused and why, and what the rest means.
func TestRecordsScript(t *testing.T) {
	golden.Run(t, 60_000, func(s *golden.Script) {
		names, bytesOf := samples()
		var c recoder
		var h Header
		for s.Next() {
			b := append([]byte(nil), bytesOf[names[s.Rand.Uint32n(uint32(len(names)))]]...)
			for range s.Rand.Uint32n(4) {
				if len(b) == 0 {
					break
				}
				switch at := s.Rand.Uint32n(uint32(len(b))); s.Rand.Uint32n(6) {
				case 0:
					b = b[:at]
				case 1:
					b = append(b, byte(s.Rand.Uint64()))
				case 2:
					b[at] = byte(s.Rand.Uint64())
				case 3:
					b[at] += byte(s.Rand.Uint32n(3)) - 1
				default:
					b[at] ^= 1 << s.Rand.Uint32n(8)
				}
			}
			if len(b) > 0 && b[0] == Magic {
				if s.Chance(2) && len(b) > 8 {
					b = AppendChecksum(b[:len(b)-4], 0)
				}
				rest, err := ParseFrame(b, &h)
				s.Say(h, rest, err, IsRepair(b))
				continue
			}
			if err := ParseRecords(b); err != nil {
				s.Say(err)
				continue
			}
			out, err := c.records(nil, b)
			s.Say(out, err)
		}
	})
}

// TestWritersScript: entries and origins of all kinds into records with little room: what
// fits, how long it is, and what is read back.
func TestWritersScript(t *testing.T) {
	golden.Run(t, 6_000, func(s *golden.Script) {
		keys := [][]byte{[]byte("a"), []byte("ab"), []byte("abc/def/ghi"), []byte("abc/def/xyz"), []byte("\x00s/x"), make([]byte, 300)}
		for s.Next() {
			limit := int(s.UpTo(1200))
			switch s.Rand.Uint32n(4) {
			case 0:
				writeRun(s, limit, keys)
			case 1:
				var w DigestWriter
				if !w.Begin(nil, limit, DigestFlags(s.Rand.Uint32n(4)), 1) {
					continue
				}
				id := OriginID(1)
				for range s.Rand.Uint32n(40) {
					id += OriginID(s.UpTo(1 << 60))
					e := DigestEntry{ID: id, Max: s.UpTo(VersionMax), Floor: s.UpTo(VersionMax), Dirty: s.Chance(3)}
					s.Say(DigestEntryBytes(e), refusal(func() { s.Say(w.Add(e)) }), w.Count())
				}
				s.Say(refusal(func() { s.Say(w.End(id + OriginID(s.UpTo(100)))) }))
			case 2:
				var w PullWriter
				if !w.Begin(nil, limit) {
					continue
				}
				for range s.Rand.Uint32n(40) {
					s.Say(refusal(func() { s.Say(w.Add(OriginID(s.UpTo(1<<64-1)), s.UpTo(VersionMax))) }), w.Count())
				}
				s.Say(refusal(func() { s.Say(w.End()) }))
			default:
				var w IntervalWriter
				if !w.Begin(nil, limit, TypeIntervals, 7, s.UpTo(1000)) {
					continue
				}
				for range s.Rand.Uint32n(20) {
					from := s.UpTo(1000)
					x := Interval{From: from, To: from + s.UpTo(100), Count: s.UpTo(100), Print: s.UpTo(1<<64 - 1)}
					s.Say(refusal(func() { s.Say(w.Add(&x)) }), w.Count())
				}
				s.Say(refusal(func() { s.Say(w.End()) }))
			}
		}
	})
}

// refusal is what a writer panics with: its caller broke the contract.
func refusal(f func()) (what any) {
	defer func() { what = recover() }()
	f()
	return nil
}

func writeRun(s *golden.Script, limit int, keys [][]byte) {
	var w RunWriter
	head := RunHead{ID: OriginID(s.UpTo(1<<64 - 1)), From: s.UpTo(1 << 40), Floor: s.UpTo(1 << 40), Max: 1 << 50, Dirty: s.Chance(4)}
	ok := w.Begin(nil, limit, head)
	s.Say(ok, RunOverhead(head.From, head.Floor))
	if !ok {
		return
	}
	v, before := head.From, []byte(nil)
	for range s.Rand.Uint32n(30) {
		v += 1 + s.UpTo(1<<20)
		e := Entry{Version: v, Key: keys[s.Rand.Uint32n(uint32(len(keys)))], Value: make([]byte, s.UpTo(300))}
		for _, f := range []EntryFlags{EntryTTL, EntryStamp, EntryKinded, EntryLeased, EntryMore} {
			if s.Chance(5) {
				e.Flags |= f
			}
		}
		if s.Chance(5) {
			e.Flags, e.Value = e.Flags&^EntryKinded|EntryTombstone, nil
		}
		e.TTL, e.Age = uint32(s.UpTo(1<<31)), uint32(s.UpTo(1<<31))
		e.Stamp, e.Lease, e.Rest = int64(s.Rand.Uint64()), uint32(s.UpTo(1<<32-1)), uint8(1+s.UpTo(3))
		e.Kind = KindFree + Kind(s.UpTo(3))
		if s.Chance(20) {
			e.Kind = Kind(s.UpTo(5))
		}
		s.Say(EntryBytes(&e, v-1, before), w.FitsBatch(int(s.UpTo(2000))))
		s.Say(refusal(func() { s.Say(w.Entry(&e)) }), w.Count(), w.Len(), w.Last())
		before = e.Key
	}
	var b []byte
	s.Say(refusal(func() { b = w.End(v + s.UpTo(3)) }), b)
	if b == nil {
		return
	}
	var r Run
	var it RunIter
	var e Entry
	typ, body, _ := NextRecord(b)
	if typ == 0 {
		return
	}
	err := ParseRun(body, &r)
	s.Say(r.RunHead, r.To, r.Count, r.Level(), err)
	if err == nil {
		for it.Reset(&r); it.Next(&e); {
			s.Say(fmt.Sprintf("%+v", e), e.End())
		}
	}
}
