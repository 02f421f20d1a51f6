package cli

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
)

// profiles are the two files that --cpuprofile and --memprofile ask for. Both cover the measured
// phase only (of a search: its last one), so that starting and comparing the cluster does not hide
// what a write costs.
type profiles struct {
	cpu, mem *os.File
	failed   error
}

func newProfiles(cpuPath, memPath string) (p *profiles, err error) {
	p = &profiles{}
	if p.cpu, err = createProfile("cpuprofile", cpuPath); err != nil {
		return nil, err
	}
	if p.mem, err = createProfile("memprofile", memPath); err != nil {
		return nil, err
	}
	if p.mem != nil {
		runtime.MemProfileRate = 0 // nothing until the measured phase
	}
	return p, nil
}

func createProfile(flag, path string) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", flag, path, err)
	}
	return f, nil
}

// around begins and ends the profiles with the measured phase.
func (p *profiles) around(begin bool) {
	if p.mem != nil {
		runtime.MemProfileRate = 0
		if begin {
			runtime.MemProfileRate = 1 // every allocation: there should be few
		}
	}
	if p.cpu == nil {
		return
	}
	if !begin {
		pprof.StopCPUProfile()
		return
	}
	_, err := p.cpu.Seek(0, 0)
	p.failed = cmp.Or(p.failed, err, p.cpu.Truncate(0), pprof.StartCPUProfile(p.cpu))
}

// stop writes what is still to be written.
func (p *profiles) stop() error {
	if p.cpu != nil {
		p.failed = cmp.Or(p.failed, p.cpu.Close())
	}
	if p.mem != nil {
		runtime.GC() // allocation statistics are as of the last cycle
		p.failed = cmp.Or(p.failed, pprof.Lookup("allocs").WriteTo(p.mem, 0), p.mem.Close())
	}
	return p.failed
}
