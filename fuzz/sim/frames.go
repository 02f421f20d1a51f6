package sim

import "github.com/quidnunc/quidnunc/codec"

// frameRef names the bytes of a frame on its way: size class and place.
type frameRef uint32

const (
	classBits   = 2
	frameBits   = 32 - classBits
	chunkFrames = 256
)

// classBytes are the sizes of frames that are kept: most are small.
var classBytes = [...]int{96, 256, codec.FrameBytesMax}

// frames is the memory of all frames on their way, in chunks with free lists,
// so that a million of them are nothing to the garbage collector.
type frames struct {
	chunks [len(classBytes)][][]byte
	free   [len(classBytes)][]frameRef
}

// put copies a frame.
func (f *frames) put(b []byte) frameRef {
	class := 0
	for len(b) > classBytes[class] {
		class++
	}
	free := f.free[class]
	if len(free) == 0 {
		f.grow(class)
		free = f.free[class]
	}
	r := free[len(free)-1]
	f.free[class] = free[:len(free)-1]
	copy(f.bytes(r), b)
	return r
}

func (f *frames) grow(class int) {
	n := len(f.chunks[class])
	f.chunks[class] = append(f.chunks[class], make([]byte, chunkFrames*classBytes[class]))
	for i := chunkFrames - 1; i >= 0; i-- {
		f.free[class] = append(f.free[class], frameRef(class<<frameBits|n*chunkFrames+i))
	}
}

func (f *frames) bytes(r frameRef) []byte {
	class, i := int(r>>frameBits), int(r&(1<<frameBits-1))
	size := classBytes[class]
	at := i % chunkFrames * size
	return f.chunks[class][i/chunkFrames][at : at+size : at+size]
}

func (f *frames) release(r frameRef) {
	class := r >> frameBits
	f.free[class] = append(f.free[class], r)
}
