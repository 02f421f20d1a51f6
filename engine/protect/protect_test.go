package protect

import (
	"testing"
	"unsafe"
)

func TestLifeBytes(t *testing.T) {
	if n := unsafe.Sizeof(life{}); n > LifeBytes || 3*n < 2*LifeBytes {
		t.Errorf("a life has %d bytes, the footprint counts %d", n, LifeBytes)
	}
}
