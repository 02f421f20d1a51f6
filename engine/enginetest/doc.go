// Package enginetest runs clusters of engines in one process, for the tests of
// programs that embed them.
//
//	c := enginetest.NewCluster(t, 3, enginetest.Options{})
//	c.Engines[0].Set("addr", []byte("10.0.0.1:80"))
//	c.WaitConverged()
//	c.Partition([]int{0}, []int{1, 2})
//	...
//	c.Heal()
//
// Members talk over loopback sockets, or over any batch.Poller that Options
// name, such as the network in memory of batch/simnet: with it a test runs
// under testing/synctest, in virtual time. Partitions, losses, delays, frozen
// members and kills work on either. Everything is closed when the test ends.
//
//	func TestLossOfALeader(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			net := simnet.NewNetwork(1, simnet.Link{}) // in the bubble
//			c := enginetest.NewCluster(t, 3, enginetest.Options{Transport: net.Poller()})
//			c.Engines[0].Set("leader", []byte("yes"))
//			c.WaitConverged()
//			c.Kill(0)
//			time.Sleep(5 * time.Second) // takes none
//			if m, _ := c.Engines[1].Member("node-0"); m.State != engine.StateDead {
//				t.Errorf("%s is %v", m.Name, m.State)
//			}
//		})
//	}
package enginetest
