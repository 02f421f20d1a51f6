package door

import (
	"net/netip"
	"testing"
)

// A hello is answered once, and a peer that moved is greeted as one that was never.
func TestContact(t *testing.T) {
	var c Contact
	if _, ok := c.Answered(5); ok {
		t.Error("an answer to nothing")
	}
	c.HelloAt, c.Hellos = 10, 3
	if _, ok := c.Answered(25); ok || c.HelloAt != 0 {
		t.Error("one of three hellos is answered, and its time taken")
	}
	c.HelloAt, c.Hellos = 10, 1
	if took, ok := c.Answered(25); !ok || took != 15 {
		t.Errorf("took %d %v", took, ok)
	}
	if _, ok := c.Answered(30); ok {
		t.Error("a hello is answered twice")
	}
	to := netip.MustParseAddrPort("127.0.0.1:7")
	if c.Moved(to); c.Addr != to || c.Hellos != 0 {
		t.Errorf("%+v", c)
	}
	if c.Shown([16]byte{1}); !c.HasCookie || c.Cookie[0] != 1 {
		t.Errorf("%+v", c)
	}
	if c.Knows(); c.HasCookie {
		t.Error("it is shown a cookie that it knows")
	}
	for range 100 {
		c.Missed()
	}
	if c.Hellos != 30 {
		t.Errorf("%d greetings are counted", c.Hellos)
	}
	if c.Anew(); c.Hellos != 0 {
		t.Error("it does not begin anew")
	}
	if c.Declares(to); !c.Declared || c.Advertised != to {
		t.Errorf("%+v", c)
	}
	if c.Says(to); c.Declared {
		t.Errorf("%+v", c)
	}
}
