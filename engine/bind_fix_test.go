package engine

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestBindFixOfDescriptors: another port is no help where no file can be opened.
func TestBindFixOfDescriptors(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		if fix := bindFix(os.NewSyscallError("socket", errno)); !strings.Contains(fix, "ulimit -n") {
			t.Errorf("%v: %q", errno, fix)
		}
	}
}
