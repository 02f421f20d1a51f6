package engine_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// whole tells whether a value begins with the sum of its rest.
func whole(b []byte) bool {
	if len(b) < 32 {
		return false
	}
	sum := sha256.Sum256(b[32:])
	return bytes.Equal(sum[:], b[:32])
}

// A member that lacks much is brought level over streams while datagrams are
// lost and streams break: whatever breaks goes on elsewhere. Whether it comes to
// streams at all is the engine's choice, and depends on the order in which
// goroutines ran: so there are more seeds until one has used them.
func TestVirtualCatchUpUnderFaults(t *testing.T) {
	streamed := uint64(0)
	for seed := uint64(0); seed < 3 || streamed == 0 && seed < 40; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := simnet.NewNetwork(seed, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Millisecond}})
				poller := net.Poller()
				c := enginetest.NewCluster(t, 5, enginetest.Options{
					Transport: poller, Timeout: 3 * time.Minute, // half of all greetings find no answer, and pauses double
					Config: func(_ int, c *engine.Config) { c.Streams = poller.Streams() },
				})
				c.Kill(4)
				for _, e := range c.Engines[:4] {
					for k := range 3000 {
						set(t, e, fmt.Sprint("k", k), fmt.Sprintf("%040d", k))
						if k%500 == 0 {
							pause(50 * time.Millisecond)
						}
					}
				}
				c.WaitConverged()
				net.Do(func(m *simnet.Model) {
					m.SetLink(simnet.Link{
						Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Millisecond}, Loss: simnet.Probability(0.4),
					})
				})
				net.SetStreamFaults(simnet.StreamFaults{
					Reset: simnet.Probability(0.1), HalfOpen: simnet.Probability(0.1), Rate: 4 << 20,
				})
				c.Restart(4)
				c.Join(4, 0)
				pause(20 * time.Second)
				net.SetStreamFaults(simnet.StreamFaults{})
				c.WaitConverged()
				streamed += c.Engines[4].Large().Streams.ReceivedBytes
				for _, author := range c.Engines[:4] {
					n := 0
					for range c.Engines[4].Range(author.Name()) {
						n++
					}
					if n != 3000 {
						t.Errorf("%d keys of %s", n, author.Name())
					}
				}
			})
		})
	}
	if streamed == 0 {
		t.Error("nothing came over streams")
	}
}

// Who is cut off before anything came on a stream, also on one that looked up from here, tries again
// soon, however often in a row, and whoever cut it off is asked again for what was asked there.
func TestCutOffAtADoorTriesAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(3, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Millisecond}})
		poller := net.Poller()
		c := enginetest.NewCluster(t, 2, enginetest.Options{
			Transport: poller, Config: func(_ int, c *engine.Config) { c.Streams = poller.Streams() },
		})
		want := value(100_000, 1)
		net.SetStreamFaults(simnet.StreamFaults{Reset: simnet.Probability(1)})
		if _, err := c.Engines[0].Set("k", want); err != nil {
			t.Fatal(err)
		}
		const crowd = 200 * time.Millisecond
		pause(crowd)
		cuts := c.Engines[1].Large().Streams.Opened
		if cuts < 4 {
			t.Errorf("%d streams were opened in %v", cuts, crowd)
		}
		net.SetStreamFaults(simnet.StreamFaults{})
		pause(2 * crowd)
		if !reads(c.Engines[1], c.Engines[0].Name(), "k", want) {
			t.Errorf("it is not here %v after the crowd has gone; %+v", 2*crowd, c.Engines[1].Large())
		}
	})
}
