package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rate counts things per second.
type Rate uint64

// Size counts bytes.
type Size int

// Share is a part of a whole, from 0 to 1.
type Share float64

var rateSuffixes = []suffix{{"k", 1e3}, {"K", 1e3}, {"m", 1e6}, {"M", 1e6}, {"", 1}}

var sizeSuffixes = []suffix{
	{"kib", 1 << 10},
	{"mib", 1 << 20},
	{"gib", 1 << 30},
	{"kb", 1e3},
	{"mb", 1e6},
	{"gb", 1e9},
	{"k", 1 << 10},
	{"m", 1 << 20},
	{"b", 1},
	{"", 1},
}

type suffix struct {
	text   string
	factor float64
}

// ParseRate reads "1000", "10k", "2.5k/s" or "1M/s".
func ParseRate(s string) (Rate, error) {
	v, ok := scaled(strings.TrimSuffix(s, "/s"), rateSuffixes)
	if !ok || v < 1 || v > 1e9 {
		return 0, fmt.Errorf("%q is not a rate from 1 to 1000M per second; write for example 1000, 10k or 2.5k/s", s)
	}
	return Rate(math.Round(v)), nil
}

// ParseSize reads "64", "64B", "4KiB" or "1MB" (binary and decimal units are what they say).
func ParseSize(s string) (Size, error) {
	v, ok := scaled(strings.ToLower(s), sizeSuffixes)
	if !ok || v < 0 || v > 1<<40 || v != math.Trunc(v) {
		return 0, fmt.Errorf("%q is not a size in bytes; write for example 64, 512B or 4KiB", s)
	}
	return Size(v), nil
}

// ParseShare reads "0.2" or "20%".
func ParseShare(s string) (Share, error) {
	text, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(text, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, fmt.Errorf("%q is not a share from 0 to 1; write for example 0.2 or 20%%", s)
	}
	return Share(v), nil
}

func scaled(s string, known []suffix) (float64, bool) {
	for _, k := range known {
		number, ok := strings.CutSuffix(s, k.text)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		return v * k.factor, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

// String prints the rate as it can be typed.
func (r Rate) String() string {
	switch {
	case r >= 1e6 && r%1e5 == 0:
		return strconv.FormatFloat(float64(r)/1e6, 'f', -1, 64) + "M/s"
	case r >= 1e4 && r%100 == 0:
		return strconv.FormatFloat(float64(r)/1e3, 'f', -1, 64) + "k/s"
	}
	return strconv.FormatUint(uint64(r), 10) + "/s"
}

// Set parses s into r.
func (r *Rate) Set(s string) (err error) { *r, err = ParseRate(s); return err }

// Type names the kind of value in help texts.
func (r *Rate) Type() string { return "rate" }

// String prints the size as it can be typed.
func (z Size) String() string {
	switch {
	case z >= 1<<20 && z%(1<<20) == 0:
		return strconv.Itoa(int(z>>20)) + "MiB"
	case z >= 1<<10 && z%(1<<10) == 0:
		return strconv.Itoa(int(z>>10)) + "KiB"
	}
	return strconv.Itoa(int(z)) + "B"
}

// Set parses s into z.
func (z *Size) Set(s string) (err error) { *z, err = ParseSize(s); return err }

// Type names the kind of value in help texts.
func (z *Size) Type() string { return "size" }

// String prints the share as it can be typed.
func (p Share) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) }

// Set parses s into p.
func (p *Share) Set(s string) (err error) { *p, err = ParseShare(s); return err }

// Type names the kind of value in help texts.
func (p *Share) Type() string { return "share" }

// Shares is a list of parts of a whole: "0,0.01,20%".
type Shares []Share

// String prints the list as it can be typed.
func (p *Shares) String() string {
	var b []byte
	for i, s := range *p {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, s.String()...)
	}
	return string(b)
}

// Set parses a list with commas.
func (p *Shares) Set(s string) error {
	var list Shares
	for part := range strings.SplitSeq(s, ",") {
		v, err := ParseShare(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		list = append(list, v)
	}
	*p = list
	return nil
}

// Type names the kind of value in help texts.
func (p *Shares) Type() string { return "shares" }

// Floats is the list for arithmetic.
func (p Shares) Floats() (list []float64) {
	for _, s := range p {
		list = append(list, float64(s))
	}
	return list
}
