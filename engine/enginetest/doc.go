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
// under testing/synctest, in virtual time. Partitions, losses and kills work
// on either. Everything is closed when the test ends.
package enginetest
