package metrics

import (
	"io"
	"math"
	"strconv"
	"sync"

	"github.com/quidnunc/quidnunc/engine"
)

// ContentType is that of what WriteMetrics writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// WriteMetrics writes the metrics of each engine, marked by the label member, in Prometheus' text
// format. It takes no turn of their loops. The error is that of w.
func WriteMetrics(w io.Writer, engines ...*engine.Engine) error {
	b := pages.Get().(*page)
	defer pages.Put(b)
	b.text, b.members = b.text[:0], b.members[:0]
	for _, e := range engines {
		b.members = append(b.members, source{e.Name(), e.Sample()})
	}
	for i := range families {
		b.family(&families[i])
	}
	_, err := w.Write(b.text)
	clear(b.members)
	return err
}

var pages = sync.Pool{New: func() any { return new(page) }}

// source is one engine as it was when the scrape began.
type source struct {
	member string
	stats  engine.Stats
}

// page is a text in the making.
type page struct {
	text    []byte
	members []source

	// Of the sample that is written now.
	name   string
	member string
	label  string
}

// Kind is what a family counts.
type Kind string

// The kinds.
const (
	Counter Kind = "counter" // only grows, from the engine's start
	Gauge   Kind = "gauge"   // a level of now
)

// family is one metric: its samples differ in one label at most.
type family struct {
	name  string
	kind  Kind
	help  string
	label string // beside member; "" for none
	read  func(s *engine.Stats, put func(label string, value float64))
}

// Desc describes one metric.
type Desc struct {
	Name, Help string
	Kind       Kind
	Label      string // beside member; "" for none
}

// Descs lists all metrics, in the order in which they are written.
func Descs() (list []Desc) {
	for _, f := range families {
		list = append(list, Desc{f.name, f.help, f.kind, f.label})
	}
	return list
}

// Visit calls put for each sample of s, in the order of Descs: for those who bring the numbers
// elsewhere. Where there is no limit, its value is +Inf. d is good until put returns.
func Visit(s *engine.Stats, put func(d *Desc, label string, value float64)) {
	for _, f := range families {
		d := Desc{f.name, f.help, f.kind, f.label}
		f.read(s, func(label string, value float64) { put(&d, label, value) })
	}
}

func (b *page) family(f *family) {
	b.add("# HELP ", f.name, " ", f.help, "\n# TYPE ", f.name, " ", string(f.kind), "\n")
	b.name, b.label = f.name, f.label
	for i := range b.members {
		b.member = b.members[i].member
		f.read(&b.members[i].stats, b.sample)
	}
}

func (b *page) sample(label string, value float64) {
	b.add(b.name, `{member="`)
	b.text = appendEscaped(b.text, b.member)
	if b.label != "" {
		b.add(`",`, b.label, `="`)
		b.text = appendEscaped(b.text, label)
	}
	b.add(`"} `)
	b.text = append(appendValue(b.text, value), '\n')
}

func (b *page) add(parts ...string) {
	for _, s := range parts {
		b.text = append(b.text, s...)
	}
}

// appendValue writes whole numbers as such.
func appendValue(dst []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(dst, "+Inf"...)
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// appendEscaped writes a label's value.
func appendEscaped(dst []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '\\', '"':
			dst = append(dst, '\\', s[i])
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}
