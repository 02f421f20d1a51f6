package enginetest_test

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

func TestLossOfALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(1, simnet.Link{}) // in the bubble
		c := enginetest.NewCluster(t, 3, enginetest.Options{Transport: net.Poller()})
		c.Engines[0].Set("leader", []byte("yes"))
		c.WaitConverged()
		c.Kill(0)
		time.Sleep(5 * time.Second) // takes none
		if m, _ := c.Engines[1].Member("node-0"); m.State != engine.StateDead {
			t.Errorf("%s is %v", m.Name, m.State)
		}
	})
}

// TestDocExample: the test that the package's page shows is the one above, which runs.
func TestDocExample(t *testing.T) {
	source, err := os.ReadFile("virtual_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func TestLossOfALeader")
	body, _, ok := strings.Cut(body, "\n}\n")
	body = "//\tfunc TestLossOfALeader" + strings.ReplaceAll(body, "\n", "\n//\t") + "\n//\t}\n"
	if !ok || !strings.Contains(string(page), body) {
		t.Errorf("doc.go does not show\n%s", body)
	}
}
