package content

import "testing"

// However fast a key is overwritten, what is fetched of it is shown when it comes: the newest whose
// fetch had begun, never one that is older than what is shown.
func TestWhatHasBegunIsShown(t *testing.T) {
	var x Table
	x.Init(Limits{Bytes: 1000, Each: 100, Keep: keep}, 7, func([]byte) {})
	refer := func(version uint64) Handle {
		return x.Refer(&Entry{Origin: 3, Key: []byte("k"), Version: version, Sum: Sum{byte(version)}, Length: 10}, 0)
	}
	shows := func(want uint64, when string) {
		t.Helper()
		if _, got := x.Shown(x.Of(3, []byte("k")), 0); got != want {
			t.Errorf("%s: version %d is shown, want %d", when, got, want)
		}
	}
	one := refer(1)
	x.Expect(one)
	for v := uint64(2); v < 10; v++ {
		h := refer(v)
		if v == 5 {
			x.Expect(h)
			x.Fail(h)
		}
		shows(0, "while the first is on its way")
	}
	x.Arrive(one, make([]byte, 10), 0)
	shows(1, "the first is here")
	nine := x.Of(3, []byte("k")).Want
	ten := refer(10)
	x.Expect(ten)
	eleven := refer(11)
	x.Expect(nine)
	x.Arrive(nine, make([]byte, 10), 0)
	shows(1, "one comes that nobody waits for any more")
	x.Expect(eleven)
	x.Arrive(eleven, make([]byte, 10), 0)
	shows(11, "the newest overtakes")
	x.Arrive(ten, make([]byte, 10), 0)
	shows(11, "an older one comes")
	x.Expect(refer(12))
	refer(13)
	x.Unrefer(3, []byte("k"), 0)
	for range 3 {
		x.Sweep(3*keep, 100, all)
	}
	x.Fail(x.Find(&Sum{12}, 10))
	x.Sweep(6*keep, 100, all)
	if s := x.Stats(); s != (Stats{}) {
		t.Errorf("nothing refers to anything: %+v", s)
	}
}

// TestWhatCameToNothingIsNotWaitedFor: a fetch that failed keeps no content after it was overwritten.
func TestWhatCameToNothingIsNotWaitedFor(t *testing.T) {
	var x Table
	x.Init(Limits{Bytes: 1000, Each: 100, Keep: keep}, 7, func([]byte) {})
	refer := func(version uint64) Handle {
		return x.Refer(&Entry{Origin: 3, Key: []byte("k"), Version: version, Sum: Sum{byte(version)}, Length: 10}, 0)
	}
	one := refer(1)
	x.Expect(one)
	refer(2)
	if s := x.Stats(); s.Missing != 2 || !x.Wanted(one) {
		t.Errorf("%+v, wanted %v", s, x.Wanted(one))
	}
	x.Fail(one)
	x.Sweep(0, 100, all)
	if s := x.Stats(); s.Missing != 1 || x.Wanted(one) {
		t.Errorf("%+v, wanted %v", s, x.Wanted(one))
	}
}
