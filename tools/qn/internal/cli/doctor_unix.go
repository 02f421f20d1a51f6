//go:build unix

package cli

import (
	"fmt"
	"syscall"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
)

func checkFiles() api.Check {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return api.Check{Name: "files", Status: api.Warn, Detail: err.Error(), Fix: "see ulimit -n"}
	}
	return check("files", uint64(l.Cur) >= filesWanted, api.Warn, fmt.Sprintf("%d at once", l.Cur), fmt.Sprintf("ulimit -n %d, or LimitNOFILE in the unit", filesWanted))
}
