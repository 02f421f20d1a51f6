package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"syscall"

	"github.com/quidnunc/quidnunc/batch"
)

// bind takes a reactor and a socket.
func (e *Engine) bind() (err error) {
	switch {
	case e.cfg.Reactor != nil:
		e.reactor, e.release = e.cfg.Reactor, func() {}
	case e.cfg.Transport != nil:
		r := NewReactor(ReactorOptions{Transport: e.cfg.Transport})
		e.reactor, e.release = r, func() { r.Close() }
	default:
		r := acquireShared()
		e.reactor, e.release = r, func() { releaseShared(r) }
	}
	addr, _ := parseBind(e.cfg.Bind) // Validate has seen it
	e.conn, err = e.reactor.poller.Listen(addr, batch.Options{})
	if err != nil && addr.Addr() == netip.IPv6Unspecified() { // a host without IPv6
		addr = netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())
		e.conn, err = e.reactor.poller.Listen(addr, batch.Options{})
	}
	if err != nil {
		e.release()
		return &bindError{e.bindFault(err), err}
	}
	e.addr = e.conn.LocalAddr()
	return nil
}

// bindFault says which field is to blame for a socket that there is not, and what helps.
func (e *Engine) bindFault(err error) ConfigError {
	if errors.Is(err, batch.ErrClosed) {
		field := "Transport"
		if e.cfg.Reactor != nil {
			field = "Reactor"
		}
		return ConfigError{field, "closed", "it serves nobody any more", "use one that runs until its engines are closed"}
	}
	return ConfigError{"Bind", fmt.Sprintf("%q", e.cfg.Bind), err.Error(), bindFix(err)}
}

func bindFix(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return `use an address of this host, or ":port" for all of them`
	case errors.Is(err, fs.ErrPermission):
		return "use a port above 1023, or give the process the right to bind it"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "raise the limit of open files (ulimit -n): an engine takes a few"
	}
	return "choose a free port, or port 0 for any"
}

// bindError keeps the system's cause for errors.Is.
type bindError struct {
	ConfigError
	cause error
}

func (e *bindError) Error() string        { return e.ConfigError.Error() }
func (e *bindError) Is(target error) bool { return e.ConfigError.Is(target) }
func (e *bindError) Unwrap() []error      { return []error{&e.ConfigError, e.cause} }
