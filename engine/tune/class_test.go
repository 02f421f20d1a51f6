package tune

import "testing"

// What stands for two writes is as urgent as the more urgent of them.
func TestClassOfTwo(t *testing.T) {
	f := func(a, b, want Class) {
		t.Helper()
		if a.With(b) != want || b.With(a) != want {
			t.Errorf("%v and %v: %v, want %v", a, b, a.With(b), want)
		}
	}
	f(ClassNormal, ClassNormal, ClassNormal)
	f(ClassNormal, ClassUrgent, ClassUrgent)
	f(ClassBulk, ClassUrgent, ClassUrgent)
	f(ClassBulk, ClassNormal, ClassNormal)
	f(ClassBulk, ClassBulk, ClassBulk)
	if s := (ClassBulk + 1).String(); s != "Class(3)" || ClassBulk.String() != "bulk" {
		t.Error(s)
	}
}
