package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// A bulk write costs no frame of its own: it comes with a comparison, or with the next write of
// another class. In the end all members hold writes of all classes.
func TestClasses(t *testing.T) {
	virtual(t, 5, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		set(t, e, "first", "v")
		c.WaitConverged()
		holders := func(key string) (n int) {
			for _, o := range c.Engines {
				if _, _, ok := o.Get("node-0", key); ok {
					n++
				}
			}
			return n
		}
		sent := e.Stats().MailSent
		write := func(key string, class tune.Class) {
			t.Helper()
			if _, err := e.SetClass(key, []byte("v"), class); err != nil {
				t.Fatal(err)
			}
			pause(2 * time.Millisecond)
		}
		write("bulk", tune.ClassBulk)
		if n := holders("bulk"); n != 1 || e.Stats().MailSent != sent {
			t.Errorf("2 ms after a bulk write %d hold it, and %d frames left", n, e.Stats().MailSent-sent)
		}
		write("urgent", tune.ClassUrgent)
		if n, m := holders("urgent"), holders("bulk"); n != 5 || m != 5 {
			t.Errorf("2 ms after an urgent write %d hold it, and %d the bulk write before it", n, m)
		}
		write("alone", tune.ClassBulk)
		c.WaitConverged()
		if n := holders("alone"); n != 5 {
			t.Errorf("%d hold a bulk write", n)
		}
	})
}

// A class that there is none of is named in the error, and nothing is written.
func TestNoSuchClass(t *testing.T) {
	virtual(t, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		_, err := c.Engines[0].SetClass("k", nil, tune.ClassBulk+1)
		var bad *engine.ClassError
		if !errors.Is(err, engine.ErrClass) || !errors.As(err, &bad) || bad.Class != 3 || !strings.Contains(err.Error(), "ClassUrgent") {
			t.Error(err)
		}
		if _, _, ok := c.Engines[0].Get("node-0", "k"); ok {
			t.Error("it was written")
		}
	})
}
