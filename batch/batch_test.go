package batch

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorKind(t *testing.T) {
	for k := Again; k < ErrorKinds; k++ {
		if k.String() == "" || k.String() == "invalid" {
			t.Errorf("kind %d has no name", k)
		}
		var err error = k
		if errors.Is(err, ErrAgain) != (k == Again) {
			t.Errorf("%v: errors.Is(ErrAgain) is wrong", err)
		}
	}
	sink := error(nil)
	if n := testing.AllocsPerRun(1000, func() { sink = Unreachable }); n != 0 || sink != Unreachable {
		t.Errorf("an ErrorKind as error allocates %v times", n)
	}
}

func TestOptionsCheck(t *testing.T) {
	f := func(o Options, want string) {
		t.Helper()
		err := o.Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Check(%+v) = %v, want %q", o, err, want)
		}
	}
	f(Options{}, "")
	f(Options{}.WithDefaults(), "")
	f(Options{ReceiveBufferBytes: -1}, "ReceiveBufferBytes is -1")
	f(Options{SendBufferBytes: 7}, "SendBufferBytes is 7")
	f(Options{SlotBytes: 70000}, "SlotBytes is 70000")
	f(Options{Slots: 1}, "Slots is 1")
	f(Options{GSO: 9}, "GSO")
}

func TestStatsErrors(t *testing.T) {
	var s Stats
	for k := range s.SendErrors {
		s.SendErrors[k] = 1
	}
	if s.Errors() != uint64(ErrorKinds)-1 {
		t.Errorf("Errors = %d, want all kinds but Again", s.Errors())
	}
}
