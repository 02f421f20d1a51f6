package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// address is one as people write it, taken apart: Bind, Advertise and seeds are
// read by one parser, so that a spelling means the same everywhere.
type address struct {
	ip   netip.Addr // of a literal, IPv4 as IPv4; else invalid
	name string     // else a DNS name as it was written, or empty: none was written
	port int        // -1: none was written
}

// parseAddress accepts a host, "host:port" or ":port". A host is an IPv4 literal
// of four decimal numbers, an IPv6 literal (in brackets if a port follows, with a
// zone where it needs one: "[fe80::1%eth0]:7946") or a DNS name. Space around it
// is ignored. What could mean two things is an error that says how to write each.
func parseAddress(text string) (a address, err error) {
	text = strings.TrimSpace(text)
	host, rest := text, ""
	switch {
	case strings.HasPrefix(text, "["):
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return a, errors.New("a bracket is not closed")
		}
		host, rest = text[1:end], text[end+1:]
		if a.ip, err = parseIP(host); err != nil || !strings.Contains(host, ":") {
			return a, fmt.Errorf("%q is not an IPv6 address", host)
		}
		host = ""
	case strings.Count(text, ":") > 1:
		if a.ip, err = parseBareIPv6(text); err != nil {
			return a, err
		}
		host = ""
	default:
		if i := strings.IndexByte(text, ':'); i >= 0 {
			host, rest = text[:i], text[i:]
		}
	}
	if a.port, err = parsePort(rest); err != nil {
		return a, err
	}
	if host != "" {
		err = a.setHost(host)
	}
	return a, err
}

// parseIP is netip.ParseAddr with the zones that an interface can have. An address
// that is the same on all interfaces loses its zone, as the answers from it do.
func parseIP(text string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	if err == nil && strings.ContainsFunc(ip.Zone(), func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("[]:%/", r) }) {
		err = fmt.Errorf("zone %q is not the name or number of an interface", ip.Zone())
	}
	if ip = ip.Unmap(); !ip.IsLinkLocalUnicast() && !ip.IsLinkLocalMulticast() {
		ip = ip.WithZone("")
	}
	return ip, err
}

// parseBareIPv6 reads an IPv6 literal without brackets, and refuses one whose
// last group could be meant as a port.
func parseBareIPv6(text string) (netip.Addr, error) {
	ip, err := parseIP(text)
	if err != nil {
		return ip, fmt.Errorf("%q is not an IPv6 address; with a port it is written [address]:port", text)
	}
	front, last := text[:strings.LastIndexByte(text, ':')], text[strings.LastIndexByte(text, ':')+1:]
	if _, short := netip.ParseAddr(front); short == nil && ip.Zone() == "" {
		if _, err := parsePort(":" + last); err == nil {
			return ip, fmt.Errorf("%q may mean two things: write [%s]:%s, or [%s] for the whole", text, front, last, text)
		}
	}
	return ip, nil
}

// parsePort reads what follows a host: nothing, or a colon and a decimal number.
func parsePort(text string) (int, error) {
	if text == "" {
		return -1, nil
	}
	digits, ok := strings.CutPrefix(text, ":")
	if !ok {
		return 0, fmt.Errorf("%q follows the address", text)
	}
	n, err := strconv.ParseUint(digits, 10, 16) // takes no sign and no space
	if err != nil || len(digits) > 5 {
		return 0, fmt.Errorf("port %q is not in 0 to 65535", digits)
	}
	return int(n), nil
}

// setHost takes an IPv4 literal or a name.
func (a *address) setHost(host string) error {
	if ip, err := parseIP(host); err == nil {
		a.ip = ip
		return nil
	}
	if err := checkDNSName(host); err != nil {
		return err
	}
	a.name = host
	return nil
}

// checkDNSName accepts what resolvers accept (RFC 1123, and the underscore that
// service names have). A name whose last label is a number is a mistyped address.
func checkDNSName(host string) error {
	name := strings.TrimSuffix(host, ".")
	if name == "" || len(name) > 253 {
		return fmt.Errorf("host %q is empty or longer than 253 bytes", host)
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		ok := l != "" && len(l) <= 63 && !strings.HasPrefix(l, "-") && !strings.HasSuffix(l, "-")
		for _, r := range l {
			ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		}
		if !ok {
			return fmt.Errorf("host %q is neither an IP address nor a name: %q is not a label of one", host, l)
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return fmt.Errorf("host %q is not an IP address: write four numbers up to 255 without zeros in front", host)
	}
	return nil
}

// portOr is the port that was written, or another one.
func (a *address) portOr(port uint16) uint16 {
	if a.port >= 0 {
		port = uint16(a.port)
	}
	return port
}
