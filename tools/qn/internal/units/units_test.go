package units

import (
	"strings"
	"testing"
)

func TestRate(t *testing.T) {
	ok := func(in string, want Rate, text string) {
		t.Helper()
		if got, err := ParseRate(in); err != nil || got != want || got.String() != text {
			t.Errorf("ParseRate(%q) = %v, %v; want %v (%s)", in, got, err, want, text)
		}
	}
	ok("1", 1, "1/s")
	ok("1000", 1000, "1000/s")
	ok("10k", 10_000, "10k/s")
	ok("2.5k/s", 2500, "2500/s")
	ok("12.5k", 12_500, "12.5k/s")
	ok("1M", 1_000_000, "1M/s")
	for _, bad := range []string{"", "k", "0", "-1", "1x", "10 k", "NaN", "Inf", "1e30", "/s"} {
		if got, err := ParseRate(bad); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", bad, got)
		} else if !strings.Contains(err.Error(), "10k") {
			t.Errorf("ParseRate(%q): %v shows no correct spelling", bad, err)
		}
	}
}

func TestSize(t *testing.T) {
	ok := func(in string, want Size, text string) {
		t.Helper()
		if got, err := ParseSize(in); err != nil || got != want || got.String() != text {
			t.Errorf("ParseSize(%q) = %v, %v; want %v (%s)", in, got, err, want, text)
		}
	}
	ok("0", 0, "0B")
	ok("64", 64, "64B")
	ok("64B", 64, "64B")
	ok("64KiB", 65536, "64KiB")
	ok("64kb", 64000, "64000B")
	ok("1.5KiB", 1536, "1536B")
	ok("4MiB", 4<<20, "4MiB")
	for _, bad := range []string{"", "KiB", "-1", "1.2", "x", "1e300"} {
		if got, err := ParseSize(bad); err == nil {
			t.Errorf("ParseSize(%q) = %v, want an error", bad, got)
		}
	}
}

func TestShare(t *testing.T) {
	ok := func(in string, want Share) {
		t.Helper()
		if got, err := ParseShare(in); err != nil || got != want {
			t.Errorf("ParseShare(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	ok("0", 0)
	ok("0.2", 0.2)
	ok("20%", 0.2)
	ok("100%", 1)
	for _, bad := range []string{"", "%", "1.1", "-0.1", "NaN", "120%", "a"} {
		if got, err := ParseShare(bad); err == nil {
			t.Errorf("ParseShare(%q) = %v, want an error", bad, got)
		}
	}
}

func TestPrint(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(Span(780), "780ns")
	f(Span(12_500), "12.5µs")
	f(Span(1_200_000), "1.20ms")
	f(Span(3_400_000_000), "3.40s")
	f(Bytes(12), "12.0 B")
	f(Bytes(3_100_000), "3.10 MB")
	f(Count(0), "0")
	f(Count(999), "999")
	f(Count(50_000), "50,000")
	f(Count(1_234_567), "1,234,567")
}
