package load

import (
	"bufio"
	"os"
	"runtime"
	"strings"
)

// Env is where a number was measured. A number without it is worth little.
type Env struct {
	Go          string `json:"go"`
	OS          string `json:"os"`
	Arch        string `json:"arch"`
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	Procs       int    `json:"gomaxprocs"`
	Kernel      string `json:"kernel"`
	RcvbufBytes int64  `json:"rcvbuf_bytes"`
}

func readEnv(rcvbuf int64) Env {
	return Env{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: cpuModel(),
		Cores: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0), Kernel: kernelRelease(), RcvbufBytes: rcvbuf,
	}
}

func kernelRelease() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
