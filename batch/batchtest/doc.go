// Package batchtest is the behaviour suite of the batch contract: one table of
// tests that every implementation over real sockets runs against itself.
//
//	func TestBehaviour(t *testing.T) {
//		batchtest.Run(t, func(t testing.TB) batch.Poller { return portable.New(batch.PollerOptions{}) })
//	}
//
// All traffic stays on loopback.
package batchtest
