package e2e

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// wireSince is the first commit whose members live together with those of this tree. A change of
// the wire that parts them moves it, and says so in the change log.
const wireSince = "8fa7d8a2e9fb2adae49f92265b6cfb6a830448e7"

// earlier builds qn as it was at a commit: wireSince, or EARLIER from the environment.
func earlier(t *testing.T) program {
	t.Helper()
	commit := cmp.Or(os.Getenv("EARLIER"), wireSince)
	if exec.Command("git", "cat-file", "-e", commit+"^{commit}").Run() != nil {
		t.Skipf("living together with members of an earlier commit was not tried: there is no %.7s in this history", commit)
	}
	dir := t.TempDir()
	tree, archive := filepath.Join(dir, "tree"), exec.Command("git", "archive", commit)
	archive.Dir = "../.."
	unpack := exec.Command("tar", "-x", "-C", tree)
	text, err := archive.Output()
	if err == nil {
		unpack.Stdin = bytes.NewReader(text)
		err = cmp.Or(os.Mkdir(tree, 0o700), unpack.Run())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOWORK", "off")
	was, err := build(tree, dir)
	if err != nil {
		t.Fatal(err)
	}
	return was
}

// fleet is members that are replaced one by one by those of another program.
type fleet struct {
	t      *testing.T
	flags  []string
	agents []*agent
	clock  int               // of what is written
	owns   map[string]string // what own keys have to be; "": deleted
	shared string            // the newest value of the shared key
}

const fleetSize = 4

func nameIn(i int) string { return fmt.Sprint("web-", i) }

// replace ends member i, if it runs, and starts it as another program.
func (f *fleet) replace(i int, with program) {
	var join []string
	others := map[string]string{nameIn(i): "left"}
	for j, a := range f.agents {
		if j != i && a != nil {
			join = append(join, a.udp)
		}
	}
	if old := f.agents[i]; old != nil {
		old.Process.Signal(syscall.SIGTERM)
		for j, a := range f.agents {
			if j != i {
				a.states(f.t, others)
			}
		}
	}
	f.agents[i] = with.agent(f.t, nameIn(i), f.flags, join...)
	f.whole()
}

// whole waits until everybody sees everybody alive.
func (f *fleet) whole() {
	f.t.Helper()
	alive := map[string]string{}
	for i, a := range f.agents {
		if a != nil {
			alive[nameIn(i)] = "alive"
		}
	}
	for _, a := range f.agents {
		if a != nil {
			a.states(f.t, alive)
		}
	}
}

// write has a member write of everything that there is: small values, one of many frames, a shared
// key; and deletes, once everybody has what it wrote.
func (f *fleet) write(i int, when string) {
	f.t.Helper()
	c := client(f.t, f.agents[i])
	do := func(key string, err error) {
		if err != nil {
			f.t.Fatalf("%s, %s: %s: %v", when, nameIn(i), key, err)
		}
	}
	f.clock++
	f.shared = fmt.Sprint("by ", nameIn(i), " at ", f.clock)
	do("color", c.Set(f.t.Context(), "color", f.shared, 0).Err())
	big := nameIn(i) + "/big"
	f.owns[big] = strings.Repeat(fmt.Sprint("v", f.clock, " "), 20_000)
	do(big, c.Set(f.t.Context(), big, f.owns[big], 0).Err())
	keys := make([]string, 20)
	for k := range keys {
		keys[k] = fmt.Sprintf("%s/k%d", nameIn(i), k)
		f.owns[keys[k]] = fmt.Sprint("v", f.clock)
		do(keys[k], c.Set(f.t.Context(), keys[k], f.owns[keys[k]], 0).Err())
	}
	f.agree(when)
	for k := f.clock % 3; k < len(keys); k += 3 {
		f.owns[keys[k]] = ""
		do(keys[k], c.Del(f.t.Context(), keys[k]).Err())
	}
	f.agree(when + ", after deletes")
}

// agree waits until everybody reads what was written last.
func (f *fleet) agree(when string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for i, a := range f.agents {
		c := client(f.t, a)
		read := func(key, want string) {
			for {
				got, err := c.Get(ctx, key).Result()
				if got == want && (err == nil || want == "" && err == redis.Nil) {
					return
				}
				if ctx.Err() != nil {
					f.t.Fatalf("%s, %s reads %.60q of %s, want %.60q: %v", when, nameIn(i), got, key, want, err)
				}
				<-again.C
			}
		}
		for key, want := range f.owns {
			read(key, want)
		}
		read("color", f.shared)
	}
}

// unread are the metrics that show what could not be read, or who was taken for dead.
var unread = regexp.MustCompile(`(?m)^quidnunc_(?:deaths_total|drops_total\{.*reason="(?:version|flags|checksum|record|mode|cluster|auth|key)"\}|deaths_total\{.*\}) [1-9].*`)

// quiet holds that nobody was taken for dead, and no frame or record could not be read.
func (f *fleet) quiet(when string) {
	f.t.Helper()
	for i, a := range f.agents {
		answer, err := http.Get("http://" + a.http + "/metrics")
		if err != nil {
			f.t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !bytes.Contains(text, []byte("quidnunc_drops_total")) {
			f.t.Fatalf("%v in %.200s", err, text)
		}
		if bad := unread.FindAll(text, -1); bad != nil {
			f.t.Errorf("%s, %s: %s", when, nameIn(i), bytes.Join(bad, []byte(", ")))
		}
	}
}

// Members of an earlier commit and of this tree are one cluster while one after the other is
// replaced, in both directions: everybody reads everything, also what was written by many who are
// gone by now, nothing can't be read, and nobody is taken for dead.
func TestMembersOfAnEarlierCommit(t *testing.T) {
	was := earlier(t)
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprint("sealed=", sealed), func(t *testing.T) {
			f := &fleet{t: t, agents: make([]*agent, fleetSize), owns: map[string]string{}}
			if sealed {
				key := filepath.Join(t.TempDir(), "cluster.key")
				if out, code := was.run(t, "keys", "gen", "--out", key); code != 0 {
					t.Fatal(out)
				}
				f.flags = []string{"--key-file", key}
			}
			for i := range fleetSize {
				f.replace(i, was)
			}
			f.write(0, "before")
			turns := slices.Concat(slices.Repeat([]program{qn}, fleetSize), []program{was, qn})
			for i, to := range turns {
				f.replace(i%fleetSize, to)
				when := fmt.Sprint("after turn ", i)
				f.write(i%fleetSize, when)
				f.quiet(when)
			}
		})
	}
}
