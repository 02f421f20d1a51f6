package cli

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
)

// profiles are the two files that --cpuprofile and --memprofile ask for.
type profiles struct {
	cpu     *os.File
	memPath string
}

func startProfiles(cpuPath, memPath string) (*profiles, error) {
	p := &profiles{memPath: memPath}
	if memPath != "" {
		runtime.MemProfileRate = 1 // every allocation: there should be few
	}
	if cpuPath == "" {
		return p, nil
	}
	f, err := os.Create(cpuPath)
	if err != nil {
		return nil, fmt.Errorf("--cpuprofile: %w", err)
	}
	p.cpu = f
	return p, pprof.StartCPUProfile(f)
}

func (p *profiles) stop() error {
	if p.cpu != nil {
		pprof.StopCPUProfile()
		if err := p.cpu.Close(); err != nil {
			return err
		}
	}
	if p.memPath == "" {
		return nil
	}
	f, err := os.Create(p.memPath)
	if err != nil {
		return fmt.Errorf("--memprofile: %w", err)
	}
	defer f.Close()
	runtime.GC() // allocation statistics are as of the last cycle
	return pprof.Lookup("allocs").WriteTo(f, 0)
}
