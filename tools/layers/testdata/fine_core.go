//layers:package engine/core

package planted

import (
	_ "encoding/binary"
	_ "net/netip"

	_ "github.com/quidnunc/quidnunc/codec"
	_ "github.com/quidnunc/quidnunc/codec/seal"
	_ "github.com/quidnunc/quidnunc/engine/state"
	_ "github.com/quidnunc/quidnunc/sched"
)

const big = 1 << 40

func sum(list []uint64) (total uint64) {
	for _, v := range list {
		total += v
	}
	return total
}
