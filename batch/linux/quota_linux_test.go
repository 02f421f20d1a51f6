package linux

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/quidnunc/quidnunc/batch"
)

// TestQuota: the least quota on the way to the root that is mounted, of either version of
// control groups, in a container and out of it. What can't be read binds nobody.
func TestQuota(t *testing.T) {
	const (
		v2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		v1 = "35 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n" +
			"36 30 0:32 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n"
		inside = "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
		dir    = "sys/fs/cgroup/"
	)
	none := math.Inf(1)
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"nothing to read": {nil, none},
		"no controller":   {map[string]string{"proc/self/mountinfo": "1 1 0:1 / / rw - ext4 /dev/a rw\n", "proc/self/cgroup": "0::/\n"}, none},
		"v2, none said":   {map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/a/b\n"}, none},
		"v2, max":         {map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/a/b\n", dir + "a/b/cpu.max": "max 100000\n"}, none},
		"v2":              {map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/a/b\n", dir + "a/b/cpu.max": "50000 100000\n"}, 0.5},
		"v2, above": {map[string]string{
			"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/a/b\n",
			dir + "a/b/cpu.max": "400000 100000\n", dir + "a/cpu.max": "15000 10000\n",
		}, 1.5},
		"v2, beside": {map[string]string{
			"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/a/b\n", dir + "a/c/cpu.max": "1000 100000\n",
		}, none},
		"v2, at the root of a namespace": {map[string]string{
			"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/\n", dir + "cpu.max": "250000 100000\n",
		}, 2.5},
		"v2, a part is mounted": {map[string]string{
			"proc/self/mountinfo": inside, "proc/self/cgroup": "0::/docker/abc\n", dir + "cpu.max": "20000 100000\n",
		}, 0.2},
		"v2, another part is mounted": {map[string]string{
			"proc/self/mountinfo": inside, "proc/self/cgroup": "0::/other\n", dir + "cpu.max": "20000 100000\n",
		}, 0.2},
		"v1": {map[string]string{
			"proc/self/mountinfo": v1, "proc/self/cgroup": "4:cpuset:/x\n3:cpu,cpuacct:/a\n0::/\n",
			dir + "cpu,cpuacct/a/cpu.cfs_quota_us": "150000\n", dir + "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
			dir + "cpuset/a/cpu.cfs_quota_us": "1\n", dir + "cpuset/a/cpu.cfs_period_us": "100000\n",
		}, 1.5},
		"v1, none": {map[string]string{
			"proc/self/mountinfo": v1, "proc/self/cgroup": "3:cpu,cpuacct:/\n",
			dir + "cpu,cpuacct/cpu.cfs_quota_us": "-1\n", dir + "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		}, none},
		"both": {map[string]string{
			"proc/self/mountinfo": v1 + "37 30 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "proc/self/cgroup": "3:cpu,cpuacct:/a\n0::/z\n",
			dir + "cpu,cpuacct/a/cpu.cfs_quota_us": "70000\n", dir + "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
			dir + "unified/z/cpu.max": "60000 100000\n",
		}, 0.6},
		"nonsense": {map[string]string{
			"proc/self/mountinfo": v2 + "- -\n\n30\n", "proc/self/cgroup": "0::/a\n::\n7\n", dir + "a/cpu.max": "-5 0\n", dir + "cpu.max": "1e309 x\n",
		}, none},
	} {
		root := fstest.MapFS{}
		for at, text := range c.files {
			root[at] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := quota(root); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestAQuotaIsSeen: a process of a control group that has half a processor knows it, though its
// runtime takes two, and parks where it was to spin.
func TestAQuotaIsSeen(t *testing.T) {
	const child = "QUIDNUNC_QUOTA"
	if os.Getenv(child) != "" {
		os.Stdin.Read(make([]byte, 1)) // until we are in the group
		p := open(t, batch.Idle{Strategy: batch.Spin}, probed())
		defer p.Close()
		fmt.Println("quota:", quota(os.DirFS("/")), p.idle.Strategy, p.Notices())
		return
	}
	group := halfAProcessor(t)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestAQuotaIsSeen$", "-test.timeout", "60s")
	cmd.Env = append(os.Environ(), child+"=1", "GOMAXPROCS=2")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = put(group, "cgroup.procs", strconv.Itoa(cmd.Process.Pid))
	in.Close()
	if wrong := cmd.Wait(); wrong != nil || err != nil {
		t.Fatalf("%v, %v\n%s", wrong, err, out.Bytes())
	}
	const want = "quota: 0.5 park "
	if s := out.String(); !strings.Contains(s, want) || !strings.Contains(s, "a quota of 0.5 binds 2 processors") {
		t.Errorf("it says %q, not %q and why", s, want)
	}
}

// halfAProcessor makes a control group, or skips.
func halfAProcessor(t *testing.T) (dir string) {
	var last error
	for _, v := range []struct{ at, file, quota string }{
		{"/sys/fs/cgroup", "cpu.max", "50000 100000"},
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "50000"},
	} {
		dir = filepath.Join(v.at, "quidnunc-"+strconv.Itoa(os.Getpid()))
		if last = os.Mkdir(dir, 0o755); last != nil {
			continue
		}
		if last = put(dir, v.file, v.quota); last == nil {
			t.Cleanup(func() { os.Remove(dir) })
			return dir
		}
		os.Remove(dir)
	}
	t.Skip("no control group with a quota can be made here:", last)
	return ""
}

// put writes to a file that the kernel has made: elsewhere there is none.
func put(dir, file, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
