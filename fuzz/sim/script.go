package sim

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// RunScript runs a scenario and returns it with what happened filled in: the
// text as it should be, to compare or to store. See the package's doc for the
// language.
func RunScript(text string) (string, error) {
	var out strings.Builder
	s := &script{}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.TrimSpace(line) == "----" { // the old outcome goes
			for i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" {
				i++
			}
			continue
		}
		fmt.Fprintln(&out, line)
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		s.log.Reset()
		if err := s.command(strings.Fields(line)); err != nil {
			return "", fmt.Errorf("line %d: %s: %w", i+1, line, err)
		}
		last := i+1 == len(lines) || strings.TrimSpace(lines[i+1]) == "" || strings.TrimSpace(lines[i+1]) == "----"
		s.outcome.WriteString(s.log.String())
		if last && s.outcome.Len() > 0 {
			fmt.Fprintf(&out, "----\n%s", s.outcome.String())
			s.outcome.Reset()
		}
		if s.w != nil && s.w.Err() != nil {
			return "", fmt.Errorf("line %d: %s: %w", i+1, line, s.w.Err())
		}
	}
	return out.String(), nil
}

type script struct {
	w       *World
	log     strings.Builder // of one command
	outcome strings.Builder // of a block of commands
	names   []string
	drops   []*drop
	width   int
}

// drop loses frames.
type drop struct {
	from, to int
	word     string // only frames whose text has it
	left     int
}

const verbs = "nodes, joins, sets, deletes, fills, run, drop, cut, mend, stop, start, show"

func (s *script) command(f []string) error {
	if f[0] == "nodes" {
		return s.nodes(f[1:])
	}
	if s.w == nil {
		return fmt.Errorf("there are no nodes yet; fix: begin with a line such as: nodes a b")
	}
	switch f[0] {
	case "run":
		return s.run(f[1:])
	case "drop":
		return s.drop(f[1:])
	case "cut":
		return s.cut(f[1:])
	case "mend":
		s.w.Net.Clear()
		return nil
	case "show":
		s.show()
		return nil
	case "stop", "start":
		return s.life(f)
	}
	return s.does(f)
}

// does is a line that begins with a node.
func (s *script) does(f []string) error {
	i, err := s.node(f[0])
	if err != nil {
		return fmt.Errorf("%w; a line begins with a node or one of: %s", err, verbs)
	}
	if len(f) < 3 {
		return fmt.Errorf("what does %s do? one of: joins NODE, sets KEY VALUE, deletes KEY, fills KEYS BYTES", f[0])
	}
	status := core.Written
	switch f[1] {
	case "joins":
		to, err := s.node(f[2])
		if err != nil {
			return err
		}
		s.w.Join(i, to)
	case "sets":
		status = s.w.Set(i, f[2], strings.Join(f[3:], " "))
	case "deletes":
		status = s.w.Delete(i, f[2])
	case "fills": // keys k0, k1, ... with values of so many bytes
		return s.fill(i, f[2:])
	default:
		return fmt.Errorf("%s can't %s; one of: joins NODE, sets KEY VALUE, deletes KEY, fills KEYS BYTES", f[0], f[1])
	}
	if status != core.Written {
		return fmt.Errorf("refused with status %d", status)
	}
	return nil
}

func (s *script) fill(i int, f []string) error {
	if len(f) != 2 {
		return fmt.Errorf("fills what? such as: a fills 5 300")
	}
	keys, err1 := strconv.Atoi(f[0])
	bytes, err2 := strconv.Atoi(f[1])
	if err1 != nil || err2 != nil || bytes > len(filler) {
		return fmt.Errorf("fills takes a number of keys and of bytes up to %d", len(filler))
	}
	for k := range keys {
		s.w.Set(i, "k"+strconv.Itoa(k), filler[:bytes])
	}
	return nil
}

// nodes makes the world: names, then settings such as interval=1s.
func (s *script) nodes(f []string) error {
	opt := Options{
		Seed: 1, Check: true,
		Link: simnet.Link{Delay: simnet.Delay{Min: sched.Millisecond, Max: sched.Millisecond}},
	}
	set := core.Config{Interval: sched.Second, Experiment: &core.Experiment{NoDetector: true}}
	for _, word := range f {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			s.names = append(s.names, word)
			s.width = max(s.width, len(word))
			continue
		}
		if err := setting(&opt, &set, key, value); err != nil {
			return err
		}
	}
	if opt.Nodes = len(s.names); opt.Nodes == 0 || s.w != nil {
		return fmt.Errorf("one line of nodes, with at least one name")
	}
	opt.Names = s.names
	opt.Config = func(_, life int, c *core.Config) {
		c.Generation, c.Interval, c.Experiment, c.Spread, c.Mode = uint64(life), set.Interval, set.Experiment, set.Spread, set.Mode
		if set.Frame != 0 {
			c.Frame = set.Frame
		}
	}
	s.w = New(opt)
	s.w.OnFrame = s.frame
	return nil
}

func setting(opt *Options, c *core.Config, key, value string) (err error) {
	pick := func(from ...string) int {
		for i, name := range from {
			if name == value {
				return i
			}
		}
		err = fmt.Errorf("%s is one of %s", key, strings.Join(from, ", "))
		return 0
	}
	switch key {
	case "seed":
		opt.Seed, err = strconv.ParseUint(value, 10, 64)
	case "delay":
		var d time.Duration
		d, err = time.ParseDuration(value)
		opt.Link.Delay.Min, opt.Link.Delay.Max = sched.Instant(d), sched.Instant(d)
	case "interval":
		var d time.Duration
		d, err = time.ParseDuration(value)
		c.Interval = sched.Instant(d)
	case "frame":
		c.Frame, err = strconv.Atoi(value)
	case "spread":
		c.Spread = tune.Spread(pick("auto", "mail", "rumor", "gossip", "delegated"))
	case "mode":
		c.Mode = tune.Mode(pick("push-pull", "push", "pull"))
	case "detector":
		c.Experiment.NoDetector = pick("off", "on") == 0
	default:
		err = fmt.Errorf("no setting %q; there are: seed, delay, interval, frame, spread, mode, detector", key)
	}
	return err
}

func (s *script) node(name string) (int, error) {
	for i, n := range s.names {
		if n == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no node %q; there are: %s", name, strings.Join(s.names, " "))
}

// run lets time pass: "run 50ms", or "run until equal 5s".
func (s *script) run(f []string) error {
	if len(f) == 0 {
		return fmt.Errorf("run how long? such as: run 50ms, or: run until equal 5s")
	}
	d, err := time.ParseDuration(f[len(f)-1])
	if err != nil {
		return err
	}
	if len(f) == 1 {
		s.w.Run(sched.Instant(d))
		return nil
	}
	took, ok := s.w.Converge(sched.Millisecond, sched.Instant(d))
	if !ok {
		return fmt.Errorf("not equal after %v: %s", d, s.w.Difference())
	}
	fmt.Fprintf(&s.log, "equal after %v\n", clock(took))
	return nil
}

// drop loses coming frames: "drop a > b digest 2".
func (s *script) drop(f []string) error {
	if len(f) < 4 || f[1] != ">" {
		return fmt.Errorf("drop what? such as: drop a > b digest, or: drop a > b run 2")
	}
	from, err1 := s.node(f[0])
	to, err2 := s.node(f[2])
	if err1 != nil || err2 != nil {
		return fmt.Errorf("drop from and to which of: %s", strings.Join(s.names, " "))
	}
	d := &drop{from: from, to: to, word: f[3], left: 1}
	if len(f) > 4 {
		n, err := strconv.Atoi(f[4])
		if err != nil {
			return err
		}
		d.left = n
	}
	s.drops = append(s.drops, d)
	return nil
}

// cut separates: "cut a b | c", or one way: "cut a > b".
func (s *script) cut(f []string) error {
	var sides [2][]int
	side, both := 0, true
	for _, word := range f {
		if word == "|" || word == ">" {
			side, both = 1, word == "|"
			continue
		}
		i, err := s.node(word)
		if err != nil {
			return err
		}
		sides[side] = append(sides[side], i)
	}
	if len(sides[0]) == 0 || len(sides[1]) == 0 {
		return fmt.Errorf("cut what? such as: cut a b | c, or one way: cut a > b")
	}
	s.w.Net.Add(simnet.Rule{From: simnet.SetOf(sides[0]...), To: simnet.SetOf(sides[1]...), Both: both, Cut: true})
	return nil
}

// life stops or starts nodes. A node that starts has forgotten everything, and
// has the next generation.
func (s *script) life(f []string) error {
	for _, name := range f[1:] {
		i, err := s.node(name)
		if err != nil {
			return err
		}
		switch up := s.w.Nodes[i].Up; {
		case f[0] == "start" && !up:
			s.w.Start(i)
		case f[0] == "stop" && up:
			s.w.Stop(i)
		default:
			return fmt.Errorf("%s is that already", name)
		}
	}
	return nil
}

// frame tells of a frame that leaves.
func (s *script) frame(f *Frame) bool {
	line := Text(f.Data, s.who)
	to, fate := "nobody", ""
	lost := false
	if f.To >= 0 {
		to = s.names[f.To]
		switch {
		case f.Fate.Cause != simnet.Arrived:
			fate = " (" + f.Fate.Cause.String() + ")"
		case s.dropped(f, line):
			fate, lost = " (dropped)", true
		}
	}
	fmt.Fprintf(&s.log, "%9.3f  %*s > %-*s %5d B  %s%s\n", float64(f.At)/1e6, s.width, s.names[f.From], s.width, to, len(f.Data), line, fate)
	return !lost
}

func (s *script) dropped(f *Frame, line string) bool {
	for _, d := range s.drops {
		if d.from == f.From && d.to == f.To && d.left > 0 && strings.Contains(line, d.word) {
			d.left--
			return true
		}
	}
	return false
}

// who names an origin: its node, and its life if that is not the first.
func (s *script) who(id codec.OriginID) string {
	for _, n := range s.w.Nodes {
		st := n.Core.Parts().Store
		if o := st.Find(id); o != 0 {
			if st.Gen(o) == 1 {
				return string(st.Name(o))
			}
			return fmt.Sprintf("%s(%d)", st.Name(o), st.Gen(o))
		}
	}
	return fmt.Sprintf("%04x", uint64(id)>>48)
}

// show prints what each node holds.
func (s *script) show() {
	for _, n := range s.w.Nodes {
		if !n.Up {
			fmt.Fprintf(&s.log, "%*s is down\n", s.width, n.Name)
			continue
		}
		fmt.Fprintf(&s.log, "%*s holds", s.width, n.Name)
		st := n.Core.Parts().Store
		between := " "
		for i := range s.w.Nodes {
			o := st.FindName([]byte(s.names[i]))
			if o == 0 {
				continue
			}
			fmt.Fprintf(&s.log, "%s%s up to %d", between, s.who(st.ID(o)), st.Max(o))
			between = "; "
			var c state.Cursor
			var e codec.Entry
			for st.After(o, 0, &c); c.Next(&e); {
				v := string(e.Value)
				if e.Flags&codec.EntryTombstone != 0 {
					v = "(deleted)"
				} else if len(v) > 16 {
					v = fmt.Sprintf("%s...(%d B)", v[:6], len(v))
				}
				fmt.Fprintf(&s.log, " %s=%s", e.Key, v)
			}
		}
		fmt.Fprintln(&s.log)
	}
}

// Scenarios lists the scripts that come with the package, by name.
func Scenarios() []string {
	files, _ := fs.Glob(scenarios, "scenarios/*.txt") // the pattern is well formed
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "scenarios/"), ".txt")
	}
	return files
}

// Scenario is the text of one of them.
func Scenario(name string) (string, error) {
	b, err := fs.ReadFile(scenarios, "scenarios/"+name+".txt")
	if err != nil {
		return "", fmt.Errorf("no scenario %q; fix: one of %s", name, strings.Join(Scenarios(), ", "))
	}
	return string(b), nil
}
