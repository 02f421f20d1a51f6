package load

import "context"

// cluster is what a run needs of the nodes: N replicas in this process that can be written, counted
// and compared.
type cluster interface {
	// set writes on one node. Called from one goroutine.
	set(node int, key string, value []byte) (version uint64, err error)
	// ids are the origin ids of the nodes, for the tracker.
	ids() []uint64
	// formed waits until every node knows every other.
	formed(ctx context.Context) error
	// totals sums the counters of all nodes.
	totals(t *Totals)
	// origin visits the live entries that one node holds of another. It waits for nothing.
	origin(node, owner int, visit func(key string, value []byte, version uint64))
	frameBytes() int
	receiveBuffer() int64
	close() error
}

// starter makes the cluster; the tracker's advanced method is what each node's loop must call.
type starter func(ctx context.Context, o *Options, track *tracker) (cluster, error)
