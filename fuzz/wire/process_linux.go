package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// envMember makes a process the member.
const envMember = "QUIDNUNC_WIRE_MEMBER"

// process is a member in a host, as the driver has it.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan report
	stderr  bytes.Buffer
}

// spawn starts a member's process in a host; it ends with the host.
func spawn(h *host) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self), answers: make(chan report, 1)}
	p.cmd.Env = append(os.Environ(), envMember+"=1")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p.cmd.Stderr = &p.stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.in(p.cmd.Start); err != nil {
		return nil, err
	}
	go p.read(out)
	return p, nil
}

// read hands answers over until the process ends.
func (p *process) read(out io.Reader) {
	defer close(p.answers)
	lines := bufio.NewReader(out)
	for {
		var r report
		line, err := lines.ReadBytes('\n')
		if err != nil || json.Unmarshal(line, &r) != nil {
			return
		}
		p.answers <- r
	}
}

// tell gives an order and waits for the answer.
func (p *process) tell(o order) (report, error) { return p.tellFor(o, 2*patience) }

// waitStep is what one look at an answer that is waited for counts, however long it took: where the
// whole machine stood still the process that is asked did, too.
const waitStep = 100 * time.Millisecond

// tellFor waits for so long at most.
func (p *process) tellFor(o order, wait time.Duration) (report, error) {
	if err := json.NewEncoder(p.in).Encode(&o); err != nil {
		return report{}, fmt.Errorf("it ended: %w", err)
	}
	tick := time.NewTicker(waitStep)
	defer tick.Stop()
	for waited := time.Duration(0); waited < wait; waited += waitStep {
		select {
		case r, ok := <-p.answers:
			if !ok {
				p.kill()
				return r, fmt.Errorf("it ended: %s", p.stderr.String())
			}
			if r.Error != "" {
				return r, fmt.Errorf("%s: %s", o.Do, r.Error)
			}
			return r, nil
		case <-tick.C:
		}
	}
	return report{}, fmt.Errorf("no answer to %q; it was at: %s", o.Do, p.stacks())
}

// stacks ends a process that does not answer, and gives what it was at.
func (p *process) stacks() string {
	p.signal(syscall.SIGQUIT)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.answers: // closed: it has ended
	case <-timer.C:
	}
	p.kill()
	return p.stderr.String()
}

// kill ends it, whatever it does, and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.in.Close()
	p.cmd.Wait()
}

func (p *process) signal(s syscall.Signal) { p.cmd.Process.Signal(s) }
