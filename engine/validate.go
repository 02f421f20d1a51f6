package engine

import (
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/state"
)

const (
	clusterBytesMax = 128
	originsMax      = 1 << 20
	keysMax         = 1 << 28
	stageBytesMin   = 16 << 10
	valueBytesMin   = 16 << 10
	stageBytesMax   = 1 << 30
	intervalMin     = time.Millisecond
	intervalMax     = time.Minute
	leaveMax        = time.Hour
	contentBytesMax = int(1 << 30 * (1 + 1023*(^uint(0)>>63))) // 1 TiB; 1 GiB on 32-bit systems
)

// Validate reports everything that is wrong with c, each as a *ConfigError
// that names the field, the value and the fix. Zero fields are fine: they take
// their defaults. Start calls it.
func (c Config) Validate() error {
	c = c.withDefaults()
	return errors.Join(
		c.checkNames(), c.checkBind(), c.checkSecrets(), c.checkSigning(), c.checkAdvertise(), c.checkSeeds(),
		c.checkRanges(), c.checkDetector(), c.checkDeclared(), c.checkLimits(), c.checkTransport(), c.checkDisk(), c.checkMerge(),
	)
}

func bad(field string, value any, problem, fix string) error {
	v := fmt.Sprint(value)
	if _, ok := value.(string); ok {
		v = strconv.Quote(v)
	}
	return &ConfigError{Field: field, Value: v, Problem: problem, Fix: fix}
}

func (c *Config) checkNames() error {
	return errors.Join(
		checkName("Name", c.Name, codec.NameBytesMax, "set a name that is stable and unique in the cluster, such as the host name"),
		checkName("Cluster", c.Cluster, clusterBytesMax, "use the same short name on all members of the cluster"),
	)
}

func checkName(field, name string, limit int, fix string) error {
	switch {
	case name == "":
		return bad(field, name, "is empty", fix)
	case len(name) > limit:
		return bad(field, name, fmt.Sprintf("is %d bytes long", len(name)), fmt.Sprintf("use at most %d bytes", limit))
	}
	return checkPrintable(field, name)
}

// checkPrintable refuses what would not show as what it is in somebody's log.
func checkPrintable(field, text string) error {
	at := codec.Unprintable([]byte(text))
	switch {
	case at < 0:
		return nil
	case !utf8.ValidString(text):
		return bad(field, text, "is not UTF-8", "use printable UTF-8")
	}
	r, _ := utf8.DecodeRuneInString(text[at:])
	problem := "contains the unprintable character"
	if unicode.IsControl(r) {
		problem = "contains the control character"
	}
	return bad(field, text, fmt.Sprintf("%s %q", problem, r), "use printable characters; the space is the only blank")
}

func (c *Config) checkBind() error {
	addr, err := parseBind(c.Bind)
	if err != nil {
		return bad("Bind", c.Bind, err.Error(), `write an IP address and a port, such as "127.0.0.1:7946" or ":7946"`)
	}
	if c.Transport == nil && !c.Insecure && !c.sealed() && !addr.Addr().IsLoopback() {
		return bad("Bind", c.Bind, "not a loopback address and no secret is set",
			"set Secrets or SecretFiles (qn keys gen makes one), Insecure: true to gossip in clear on this network, or bind to 127.0.0.1")
	}
	return nil
}

// mayMerge tells whether strangers' clusters could become one with this one by
// accident: nobody named it, it has no secret, and others reach it.
func (c *Config) mayMerge(bound netip.Addr) bool {
	return c.Cluster == LAN().Cluster && !c.sealed() && !bound.IsLoopback()
}

// parseBind reads "host:port" where host is an IP literal, "localhost", or
// empty for every interface (an unspecified IPv6 address stands for both
// families).
func parseBind(text string) (netip.AddrPort, error) {
	a, err := parseAddress(text)
	switch {
	case err != nil:
		return netip.AddrPort{}, err
	case a.port < 0:
		return netip.AddrPort{}, errors.New("not host:port")
	case a.ip.IsValid():
	case a.name == "":
		a.ip = netip.IPv6Unspecified()
	case strings.EqualFold(a.name, "localhost"):
		a.ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		return netip.AddrPort{}, fmt.Errorf("host %q is not an IP address", a.name)
	}
	return netip.AddrPortFrom(a.ip, uint16(a.port)), nil
}

func (c *Config) checkAdvertise() error {
	if c.Advertise == "" {
		return nil
	}
	const fix = `write the address that others reach this member at, such as "10.0.0.7:7946"`
	a, err := parseAddress(c.Advertise)
	switch {
	case err != nil:
		return bad("Advertise", c.Advertise, err.Error(), fix)
	case !a.ip.IsValid() && a.name == "":
		return bad("Advertise", c.Advertise, "no host", fix)
	case a.ip.IsUnspecified():
		return bad("Advertise", c.Advertise, "an unspecified address can't be reached", fix)
	case a.ip.IsValid() && !codec.Dialable(netip.AddrPortFrom(a.ip, PortDefault)):
		return bad("Advertise", c.Advertise, "the address of a group or of everybody is no member's", fix)
	}
	return nil
}

func (c *Config) checkSeeds() error {
	var errs []error
	for i, s := range c.Seeds {
		if _, err := parseSeed(s); err != nil {
			errs = append(errs, bad(fmt.Sprintf("Seeds[%d]", i), s, err.Error(), "correct or remove this seed"))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) checkRanges() error {
	return errors.Join(
		inRange("Generation", c.Generation, 0, codec.GenerationMax),
		c.checkTune(),
		inRange("Interval", c.Interval, intervalMin, intervalMax),
		known("Throttle", c.Throttle),
		inRange("ReceiveRate", c.ReceiveRate, 0, flow.RateMax),
		inRange("FrameBytes", c.FrameBytes, codec.FrameBytesFloor, codec.FrameBytesMax),
		inRange("StageBytes", c.StageBytes, stageBytesMin, stageBytesMax),
		inRange("ClockOffsetMax", c.ClockOffsetMax, time.Millisecond, time.Hour),
		inRange("LeaveTimeout", max(c.LeaveTimeout, 0), 0, leaveMax),
	)
}

func (c *Config) checkLimits() error {
	return errors.Join(
		inRange("Limits.Origins", c.Limits.Origins, 2, originsMax),
		inRange("Limits.Keys", c.Limits.Keys, 1, keysMax),
		inRange("Limits.ValueBytes", c.Limits.ValueBytes, valueBytesMin, state.ValueBytesMax),
		inRange("Limits.Tombstones", c.Limits.Tombstones, 0, keysMax),
		inRange("Limits.KeysPerOrigin", c.Limits.KeysPerOrigin, 0, state.KeysPerOriginMax),
		c.checkPerOrigin(),
		inRange("Limits.Introduced", c.Limits.Introduced, 1, originsMax),
		inRange("Limits.Watchers", c.Limits.Watchers, 1, 1<<20),
		inRange("Limits.LargeBytes", c.Limits.LargeBytes, -1, batch.StreamBodyMax),
		inRange("Limits.ContentBytes", c.Limits.ContentBytes, 1, contentBytesMax),
		c.checkContents(),
	)
}

// checkPerOrigin refuses limits of one member that contradict those of all, or
// that no entry could ever fit.
func (c *Config) checkPerOrigin() error {
	l, errs := &c.Limits, []error{}
	if l.KeysPerOrigin > l.Keys {
		errs = append(errs, bad("Limits.KeysPerOrigin", l.KeysPerOrigin, fmt.Sprintf("is more than Limits.Keys %d", l.Keys), "lower it, or raise Limits.Keys"))
	}
	switch b := l.BytesPerOrigin; {
	case b == 0:
	case b < EntryBytesMax:
		errs = append(errs, bad("Limits.BytesPerOrigin", b, "is less than one entry may have", fmt.Sprintf("use at least %d, or 0 for as much as there is", EntryBytesMax)))
	case b > l.ValueBytes:
		errs = append(errs, bad("Limits.BytesPerOrigin", b, fmt.Sprintf("is more than Limits.ValueBytes %d", l.ValueBytes), "lower it, or raise Limits.ValueBytes"))
	}
	return errors.Join(errs...)
}

// checkContents refuses a budget that the largest value would not fit.
func (c *Config) checkContents() error {
	if l := &c.Limits; l.ContentBytes > 0 && l.ContentBytes < l.LargeBytes {
		return bad("Limits.ContentBytes", l.ContentBytes, fmt.Sprintf("is less than Limits.LargeBytes %d", l.LargeBytes), "raise it, or lower Limits.LargeBytes")
	}
	return nil
}

func (c *Config) checkTransport() error {
	if c.Transport != nil && c.Reactor != nil {
		return bad("Transport", fmt.Sprintf("%T", c.Transport), "set together with Reactor", "give the transport to NewReactor, or leave Reactor nil")
	}
	return nil
}

// known refuses a value of an enumeration that has no name.
func known(field string, v encoding.TextMarshaler) error {
	_, err := v.MarshalText()
	if err == nil {
		return nil
	}
	_, names, _ := strings.Cut(err.Error(), ": want ")
	return bad(field, v, "is not known", "use "+names)
}

func inRange[T ~int | ~int64 | ~uint64](field string, v, low, high T) error {
	if v >= low && v <= high {
		return nil
	}
	return bad(field, v, "out of range", fmt.Sprintf("use %v to %v", low, high))
}
