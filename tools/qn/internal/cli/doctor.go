package cli

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

// What the machine should offer.
const (
	bufferWanted = 4 << 20 // bytes of receive buffer that an engine asks for
	filesWanted  = 4096
	mtuWanted    = 1280                   // frames of 1,200 bytes and their headers
	clockWanted  = 500 * time.Millisecond // engine.Config.ClockOffsetMax, as it is by default
)

func newDoctor() *cobra.Command {
	var output form.Form
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at what this machine offers an agent: buffers, ports, MTU, clock, limits",
		Example: `  qn doctor                                  a line for each check; exit code 3 if one fails
  qn doctor -o json                          for a script
  qn doctor && qn agent                      before the first start`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := []api.Check{checkBuffer(), checkProcs(), checkFiles(), checkMTU(), checkClock()}
			for _, p := range []struct{ network, addr, what string }{
				{"udp", "127.0.0.1:7946", "gossip"}, {"tcp", "127.0.0.1:7947", "HTTP"}, {"tcp", "127.0.0.1:7979", "RESP"}, {"udp", "127.0.0.1:7953", "DNS"}, {"tcp", "127.0.0.1:7953", "DNS"},
			} {
				list = append(list, checkPort(p.network, p.addr, p.what))
			}
			if err := output.Print(cmd.OutOrStdout(), list, func(w io.Writer) error { return printChecks(w, list) }); err != nil {
				return err
			}
			for _, c := range list {
				if c.Status == api.Fail {
					return exit.Told("a check failed")
				}
			}
			return nil
		},
	}
	form.Add(cmd, &output)
	return cmd
}

func printChecks(w io.Writer, list []api.Check) error {
	return table(w, "CHECK STATUS DETAIL", func(row func(string, ...any)) {
		for _, c := range list {
			text := c.Detail
			if c.Fix != "" {
				text += "; fix: " + c.Fix
			}
			row("%s|%s|%s", c.Name, c.Status, text)
		}
	})
}

// check is ok, or has a status and a fix.
func check(name string, fine bool, status, detail, fix string) api.Check {
	if fine {
		return api.Check{Name: name, Status: api.OK, Detail: detail}
	}
	return api.Check{Name: name, Status: status, Detail: detail, Fix: fix}
}

func checkBuffer() api.Check {
	text, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	if err != nil {
		return api.Check{Name: "receive buffer", Status: api.OK, Detail: "this system does not say its limit"}
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text))) // 0: shown as such
	return check("receive buffer", n >= bufferWanted || os.Geteuid() == 0, api.Warn, fmt.Sprintf("at most %d bytes, %d are asked for", n, bufferWanted),
		fmt.Sprintf("sysctl -w net.core.rmem_max=%d", 2*bufferWanted))
}

func checkProcs() api.Check {
	n := runtime.GOMAXPROCS(0)
	return check("GOMAXPROCS", n >= 2, api.Warn, fmt.Sprintf("%d of %d processors", n, runtime.NumCPU()),
		"give the container at least two processors: with one, the fronts and the loop wait for each other")
}

func checkMTU() api.Check {
	list, err := net.Interfaces()
	if err != nil {
		return api.Check{Name: "MTU", Status: api.Warn, Detail: err.Error(), Fix: "see ip link"}
	}
	var small []string
	least := 0
	for _, i := range list {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		if least == 0 || i.MTU < least {
			least = i.MTU
		}
		if i.MTU < mtuWanted {
			small = append(small, fmt.Sprintf("%s %d", i.Name, i.MTU))
		}
	}
	detail := fmt.Sprintf("%d at least", least)
	if len(small) > 0 {
		detail = fmt.Sprintf("below %d: %s", mtuWanted, strings.Join(small, ", "))
	}
	return check("MTU", len(small) == 0, api.Fail, detail,
		"frames of 1,200 bytes must pass whole: raise the MTU")
}

// checkPort says whether a port that an agent takes by default is free.
func checkPort(network, addr, what string) api.Check {
	name := fmt.Sprintf("port %s/%s", addr[strings.LastIndexByte(addr, ':')+1:], network)
	var c io.Closer
	var err error
	if network == "udp" {
		c, err = net.ListenPacket(network, addr)
	} else {
		c, err = net.Listen(network, addr)
	}
	if err == nil {
		err = c.Close()
	}
	return check(name, err == nil, api.Warn, fmt.Sprintf("for %s on %s: %s", what, addr, portText(err)), "choose another port, or is an agent running already?")
}

func portText(err error) string {
	if err == nil {
		return "free"
	}
	return "taken"
}
