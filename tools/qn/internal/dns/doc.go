// Package dns is the front of an agent for resolvers: healthy members by the services that their
// tags name, over UDP and TCP. With the zone qn:
//
//	web.service.qn          A and AAAA of the members that serve web, SRV with their ports, TXT with their tags
//	_web._tcp.service.qn    the same, as RFC 2782 writes it (also _udp)
//	web-1.node.qn           one member
//
// A member serves web if it has the tag service=web, at the port of its tag port, or the tag
// service.web with the port as its value: several services are several such tags. Its address is
// the one that the agent sends to, or that of its tag address. Members that are dead or left are
// out at once, and who was only named is not in yet; suspects are in.
//
// Answers have one TTL, a second. A name that is there without the type that was asked for is
// NODATA, one that is not there NXDOMAIN, both with the SOA. What does not fit is cut, in an order
// by chance, and marked, so that the asker comes by TCP: 512 bytes without EDNS, at most 1,232 with
// it, and to sources beyond loopback at most three times the question, so that nobody is flooded in
// somebody's name. Outside the zone the answer is REFUSED.
package dns
