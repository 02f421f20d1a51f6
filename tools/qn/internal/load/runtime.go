package load

import "runtime/metrics"

// costs is what the process has used so far.
type costs struct {
	allocs   uint64 // heap objects
	gcCycles uint64
	cpuNanos int64 // user and system, all threads
	allNanos int64 // of everybody on this machine, and of other machines on the same processors; 0: not known
	at       int64
}

// costReader reads them without allocating.
type costReader struct {
	samples [3]metrics.Sample
	machine machine
}

func newCostReader() *costReader {
	r := &costReader{}
	r.samples[0].Name = "/gc/heap/allocs:objects"
	r.samples[1].Name = "/gc/heap/tiny/allocs:objects"
	r.samples[2].Name = "/gc/cycles/total:gc-cycles"
	metrics.Read(r.samples[:]) // the first one allocates
	return r
}

func (r *costReader) read(now int64) costs {
	metrics.Read(r.samples[:])
	return costs{
		allocs:   r.samples[0].Value.Uint64() + r.samples[1].Value.Uint64(),
		gcCycles: r.samples[2].Value.Uint64(),
		cpuNanos: processNanos(),
		allNanos: r.machine.nanos(),
		at:       now,
	}
}
