package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/quidnunc/quidnunc/bench/peers/peer"
)

// maker makes a kind.
type maker struct {
	name, setting string
	prefill       bool
	most          uint64 // no rate above is tried: it loses most of what is written far below
	make          func() kind
}

var makers = []maker{
	{"quidnunc", "engine.LAN(), all defaults", true, 0, func() kind { return &quidnunc{} }},
	{"nats", "embedded server 2, core subjects, NoEcho, no pending limits", true, 0, func() kind { return &natsCore{} }},
	{"redis", "redis-server beside, pub/sub over TCP, pipelined by hand, nothing saved, no output limit", true, 0, func() kind { return &redisPubSub{} }},
	{"nats-kv", "embedded JetStream KV in memory, one replica, history 1, PublishAsync, a watcher each", true, 32_000, func() kind {
		dir, _ := os.MkdirTemp("", "fan")
		return &natsCore{kv: true, dir: dir}
	}},
	{"memberlist-best-effort", "SendBestEffort to each member, no compression", false, 16_000, func() kind {
		return &list{cfg: peer.ListConfig{Base: peer.PlainList(), Best: true}}
	}},
	{"memberlist-fastest", "gossip each millisecond to four, no compression", false, 4_000, func() kind {
		return &list{cfg: peer.ListConfig{Base: peer.FastestList()}}
	}},
	{"memberlist-lan", "DefaultLANConfig", false, 1_000, func() kind { return &list{cfg: peer.ListConfig{Base: memberlist.DefaultLANConfig()}} }},
	{"chitchat", "0.x of crates.io, UDP, gossip each 100 ms", false, 4_000, func() kind { return nil }},
}

// options are what was asked for.
type options struct {
	holders, rounds int
	span, until     time.Duration
	kinds           []string
	rates           []uint64
	find            bool
	log             string
	driver          string // of chitchat
	began           time.Time
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "cell" {
		if err := child(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 3 && os.Args[1] == "drive" {
		fmt.Fprintln(os.Stderr, drive(os.Args[2], os.Args[2:]))
		os.Exit(1)
	}
	o := options{began: time.Now()}
	kinds, rates := "", ""
	flag.IntVar(&o.holders, "holders", 32, "that each write goes to")
	flag.IntVar(&o.rounds, "rounds", 5, "of all cells")
	flag.DurationVar(&o.span, "span", 2*time.Second, "measured in a cell")
	flag.DurationVar(&o.until, "for", time.Hour, "then the rest is left for another time: with -log")
	flag.StringVar(&kinds, "kinds", "", "only these, with commas")
	flag.StringVar(&rates, "rates", "1000,4000,16000,32000,64000,100000", "writes a second")
	flag.BoolVar(&o.find, "find", false, "the highest sustained rate of each, instead")
	flag.StringVar(&o.log, "log", "", "a file of cells that were measured: these are not measured again")
	flag.StringVar(&o.driver, "chitchat", "chitchat/target/release/fan-chitchat", "its driver: cargo build --release in ./chitchat")
	flag.Parse()
	if err := o.choose(kinds, rates); err != nil {
		fmt.Fprintln(os.Stderr, "fan:", err)
		os.Exit(2)
	}
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "fan:", err)
		os.Exit(1)
	}
}

func (o *options) choose(kinds, rates string) error {
	for _, m := range makers {
		if kinds == "" || slices.Contains(strings.Split(kinds, ","), m.name) {
			o.kinds = append(o.kinds, m.name)
		}
	}
	if len(o.kinds) == 0 {
		return fmt.Errorf("-kinds %s: none of these is known", kinds)
	}
	for _, s := range strings.Split(rates, ",") {
		r, err := strconv.ParseUint(s, 10, 32)
		if err != nil || r == 0 {
			return fmt.Errorf("-rates %s: numbers with commas", rates)
		}
		o.rates = append(o.rates, r)
	}
	return nil
}

func makerOf(name string) *maker {
	for i := range makers {
		if makers[i].name == name {
			return &makers[i]
		}
	}
	return nil
}

// child measures one cell and prints it.
func child(spec string) error {
	var c cell
	if err := json.Unmarshal([]byte(spec), &c); err != nil {
		return err
	}
	m := makerOf(c.Kind)
	if c.Own {
		c.Own = raiseLoopback() == nil
	}
	holders, _ := strconv.Atoi(os.Getenv("FAN_HOLDERS"))
	if err := measure(&c, m.make(), m.prefill, holders); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(&c)
}

// log is what was measured.
type log struct {
	cells []cell
	file  *os.File
}

func openLog(name string) (*log, error) {
	l := &log{}
	if name == "" {
		return l, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	l.file = f
	for s := bufio.NewScanner(f); s.Scan(); {
		var c cell
		if json.Unmarshal(s.Bytes(), &c) == nil {
			l.cells = append(l.cells, c)
		}
	}
	return l, nil
}

func (l *log) add(c cell) error {
	l.cells = append(l.cells, c)
	if l.file == nil {
		return nil
	}
	return json.NewEncoder(l.file).Encode(&c)
}

func (l *log) has(kind string, rate uint64, round int, find bool) *cell {
	for i := range l.cells {
		if c := &l.cells[i]; c.Kind == kind && c.Rate == rate && c.Round == round && c.Find == find {
			return c
		}
	}
	return nil
}

// over tells whether the time is.
func (o *options) over() bool { return time.Since(o.began) > o.until }

// run measures what the log lacks, and prints the table.
func (o *options) run() error {
	l, err := openLog(o.log)
	if err != nil {
		return err
	}
	if o.find {
		return o.findAll(l)
	}
	for round := range o.rounds {
		for _, rate := range o.rates {
			for i := range o.kinds {
				name := o.kinds[(i+round)%len(o.kinds)] // nobody is always behind the same
				if m := makerOf(name); m.most > 0 && rate > m.most || l.has(name, rate, round, false) != nil {
					continue
				}
				if o.over() {
					return o.table(os.Stdout, l)
				}
				c, err := o.cell(name, rate, round, false)
				if err != nil {
					return err
				}
				if err = l.add(c); err != nil {
					return err
				}
			}
		}
	}
	return o.table(os.Stdout, l)
}

// cell has one measured by a process of its own.
func (o *options) cell(name string, rate uint64, round int, find bool) (c cell, err error) {
	c = cell{Kind: name, Rate: rate, Round: round, Span: o.span.Seconds(), Find: find}
	defer func() {
		what := fmt.Sprintf("p50 %.2f p99 %.1f ms, %.2f us, %.0f of %d/s, %.1f %% overtaken, %d differ", c.P50, c.P99, c.CPU, c.Written, c.Rate, 100*c.Overtaken, c.Differ)
		if c.Skipped != "" {
			what = "skipped: " + c.Skipped
		}
		fmt.Fprintf(os.Stderr, "%s %s %d/s round %d: %s\n", time.Now().Format("15:04:05"), name, rate, round+1, what)
	}()
	if name == "chitchat" {
		return c, o.chitchat(&c)
	}
	self, err := os.Executable()
	if err != nil {
		return c, err
	}
	for _, own := range []bool{true, false} {
		c.Own = own
		spec, err := json.Marshal(&c)
		if err != nil {
			return c, err
		}
		cmd := exec.Command(self, "cell", string(spec))
		cmd.Env, cmd.Stderr = append(os.Environ(), "FAN_HOLDERS="+strconv.Itoa(o.holders)), os.Stderr
		if own && !apart(cmd) {
			continue
		}
		out, err := cmd.Output()
		if err != nil && own {
			continue // a namespace may not be allowed
		}
		if err != nil {
			return c, fmt.Errorf("%s at %d/s: %w", name, rate, err)
		}
		return c, json.Unmarshal(out, &c)
	}
	return c, fmt.Errorf("%s at %d/s: no process", name, rate)
}

// chitchat has its driver measure a cell.
func (o *options) chitchat(c *cell) error {
	if _, err := os.Stat(o.driver); err != nil {
		c.Skipped = "its driver is not built: cargo build --release in bench/peers/fan/chitchat"
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{o.driver, strconv.Itoa(o.holders), strconv.FormatUint(c.Rate, 10), strconv.FormatFloat(c.Span, 'f', 2, 64)}
	cmd := exec.Command(self, append([]string{"drive"}, args...)...)
	if c.Own = apart(cmd); !c.Own {
		cmd = exec.Command(args[0], args[1:]...)
	}
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && c.Own && !errors.As(err, &exit) { // a namespace may not be allowed
		c.Own = false
		out, err = exec.Command(args[0], args[1:]...).Output()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) { // the others go on
		c.Skipped = fmt.Sprintf("its driver failed at %d/s: %v %s", c.Rate, err, bytes.TrimSpace(exit.Stderr))
		return nil
	}
	if err != nil {
		return fmt.Errorf("chitchat: %w", err)
	}
	return json.Unmarshal(out, c)
}
