package engine_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAThrottledProgramIsNotTakenForDead: a real process of a group whose processors the
// kernel takes away for most of the time, and that it keeps busy whenever it has them, is
// suspected, not declared dead, and its peers know afterwards that it stalled.
func TestAThrottledProgramIsNotTakenForDead(t *testing.T) {
	for _, quota := range []struct {
		run, period int    // µs
		hogs        string // of 10 ms each before it is the loop's turn
	}{
		{10_000, 100_000, "16"},
		{20_000, 1_000_000, "4"},
	} {
		t.Run(fmt.Sprint(quota.run, "of", quota.period), func(t *testing.T) {
			notTakenForDead(t, func(t *testing.T, name string) *exec.Cmd {
				group, err := quotaGroup(t, name, quota.run, quota.period)
				if err != nil {
					t.Skip("SKIPPED: no group with a quota of processor time: ", err)
				}
				cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(group, "cgroup.procs"), os.Args[0])
				cmd.Env = append(os.Environ(), busyHow+"="+quota.hogs, "GOMAXPROCS=1")
				return cmd
			})
		})
	}
}

// quotaGroup makes a control group whose processes have run of each period, until the end
// of the test.
func quotaGroup(t *testing.T, name string, run, period int) (dir string, err error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	err = errors.New("no mount has the controller cpu")
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[2] != "cgroup2" && (f[2] != "cgroup" || !strings.Contains(","+f[3]+",", ",cpu,")) {
			continue
		}
		dir = filepath.Join(f[1], fmt.Sprint("quidnunc-", os.Getpid(), "-", name))
		if err = os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(dir) })
		limits := map[string]string{"cpu.max": fmt.Sprint(run, " ", period)}
		if f[2] == "cgroup" {
			limits = map[string]string{"cpu.cfs_period_us": fmt.Sprint(period), "cpu.cfs_quota_us": fmt.Sprint(run)}
		}
		for file, limit := range limits {
			file, openErr := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
			if err = openErr; err != nil {
				break
			}
			_, err = file.WriteString(limit)
			if err = errors.Join(err, file.Close()); err != nil {
				break
			}
		}
		if err == nil {
			return dir, nil
		}
	}
	return "", err
}
