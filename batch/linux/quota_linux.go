package linux

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// lonely says why a spin would hurt who is to be waited for, or nothing. With one
// processor the spin keeps it from the others. Where a quota of processor time binds,
// what is spun away is missing later, for some hundred milliseconds at a time: the
// runtime takes 2 processors where half a one is allowed, so that it is not enough to
// count them.
func lonely() string {
	n := runtime.GOMAXPROCS(0)
	if n == 1 {
		return "there is one processor"
	}
	if q := quota(os.DirFS("/")); q < float64(n) {
		return "a quota of " + strconv.FormatFloat(q, 'g', 3, 64) + " binds " + strconv.Itoa(n) + " processors"
	}
	return ""
}

// quota is how many processors' time the control groups of this process allow
// (cgroups(7); cpu.max of the kernel's cgroup-v2, cpu.cfs_quota_us of its sched-bwc):
// the least on the way from its group to the root that is mounted here. What can't be
// read allows all.
func quota(root fs.FS) float64 {
	q := math.Inf(1)
	for _, m := range mounts(root) {
		for dir := m.group(root); ; dir = path.Dir(dir) {
			q = min(q, m.read(root, path.Join(m.at, dir)))
			if dir == "/" || dir == "." {
				break
			}
		}
	}
	return q
}

// mount is where a hierarchy with a controller for processor time can be read.
type mount struct {
	at   string // without the first slash
	from string // its group that is mounted there
	two  bool   // cgroup v2
}

// mounts reads proc_pid_mountinfo(5): of a line " - " ends the optional fields.
func mounts(root fs.FS) (ms []mount) {
	for line := range lines(root, "proc/self/mountinfo") {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 {
			continue
		}
		m := mount{at: strings.TrimPrefix(l[4], "/"), from: l[3], two: r[0] == "cgroup2"}
		if m.two || r[0] == "cgroup" && has(r[2], "cpu") {
			ms = append(ms, m)
		}
	}
	return ms
}

// group is the process's own in m, as a path below it.
func (m mount) group(root fs.FS) string {
	for line := range lines(root, "proc/self/cgroup") {
		f := strings.SplitN(line, ":", 3)
		if len(f) < 3 || m.two != (f[0] == "0" && f[1] == "") || !m.two && !has(f[1], "cpu") {
			continue
		}
		if below, ok := strings.CutPrefix(f[2], m.from); ok {
			return path.Join("/", below)
		}
		break // another part of the hierarchy is mounted: its root binds, too
	}
	return "/"
}

// read is what one group allows.
func (m mount) read(root fs.FS, dir string) float64 {
	var of, period string
	if m.two {
		of, period, _ = strings.Cut(first(root, dir+"/cpu.max"), " ")
	} else {
		of, period = first(root, dir+"/cpu.cfs_quota_us"), first(root, dir+"/cpu.cfs_period_us")
	}
	q, err := strconv.ParseFloat(of, 64) // "max" and -1 are none
	p, wrong := strconv.ParseFloat(period, 64)
	if err != nil || wrong != nil || q <= 0 || p <= 0 {
		return math.Inf(1)
	}
	return q / p
}

func has(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// first is the first line of a file, lines all of them; none of what can't be read.
func first(root fs.FS, name string) string {
	for line := range lines(root, name) {
		return line
	}
	return ""
}

func lines(root fs.FS, name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return
		}
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan() && yield(s.Text()); {
		}
	}
}
