package agent

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// What can't be started says which flag, which value, why and what to do, and nothing of the
// packages behind it.
func TestBadStartsSpeakOfFlags(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	dir := t.TempDir()
	first := start(t, "first", "--data", dir)
	f := func(want string, args ...string) {
		t.Helper()
		o, err := parse(t, nil, append([]string{"--name", "x", "--bind", "127.0.0.1:0", "--http=", "--resp=", "--dns=", "--log-level", "error"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Start(t.Context(), o, "test", io.Discard)
		if err == nil {
			a.Close()
			t.Errorf("%v: it starts", args)
			return
		}
		text := err.Error()
		if exit.Code(err) != exit.Usage || !strings.Contains(text, want) || !strings.Contains(text, want) || !strings.Contains(text, "; fix: ") {
			t.Errorf("%v: code %d, %s; want %q", args, exit.Code(err), text, want)
		}
		for _, word := range []string{"; and ", "Config", "engine:", "batch:", "Insecure", "Secret", "file descriptor", "\n"} {
			if strings.Contains(text, word) {
				t.Errorf("%v: %q says %q", args, text, word)
			}
		}
	}
	taken := "address already in use"
	f("--bind ", "--bind", udp.LocalAddr().String())
	f(taken, "--bind", udp.LocalAddr().String())
	f(taken, "--http", tcp.Addr().String())
	f(taken, "--resp", tcp.Addr().String())
	f(taken, "--dns", first.dns.Addr().String())
	f("--bind ", "--bind", "192.0.2.1:7946")
	f("--insecure", "--bind", "0.0.0.0:0")
	f("--bind ", "--bind", "127.0.0.1")
	f("--name ", "--name", "")
	f("--key-file", "--key-file", "nosuch")
	f("--data ", "--data", dir)
	f("fix: end that one, or give this member a directory of its own", "--data", dir)
	f("--tag", "--tag", "=x")
	f("--leave-timeout ", "--leave-timeout", "48h")
	f("--http ", "--http", "0.0.0.0:0")
	f("--resp ", "--resp", "0.0.0.0:0")
}
