package mail

import "testing"

// What is owed is paid once, and a frame that leaves anyway tells only what is new.
func TestDebt(t *testing.T) {
	var d Debt
	if d.Due(0) || d.Pay(0, true) {
		t.Error("nothing came, and something is owed")
	}
	if !d.Owe() || d.Owe() || !d.Owed() || !d.Due(3) {
		t.Error("what came in is not owed, once")
	}
	if !d.Pay(3, true) || d.Pay(3, true) || d.Due(3) || d.Owed() {
		t.Error("what is paid is owed still")
	}
	if !d.Due(4) || d.Owed() {
		t.Error("news without a timer does not ride along")
	}
	if d.Pay(4, false); !d.Due(4) || d.Owed() {
		t.Error("who may not have understood is not told again")
	}
	d.Pay(4, true)
	d.Ask()
	d.Answer()
	if !d.Asks() || !d.Answers() {
		t.Error("the next frame neither asks nor answers")
	}
	if d.Sent(); d.Asks() || d.Answers() {
		t.Error("it asks again")
	}
}
