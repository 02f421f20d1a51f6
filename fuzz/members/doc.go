// Package members holds whole clusters in virtual time against what membership
// promises at scale: the very cores of an engine, all of them at once, where
// fuzz/detect runs the detector alone. The tests have 60 nodes; a thousand take
// minutes and some gigabytes:
//
//	go test ./fuzz/members -members.nodes 1000 -timeout 30m -v
//
// With 1,000 nodes and delays of 0.1 to 0.5 ms, all of them joining the same one
// at once, everybody has been answered by everybody after 160 ms.
package members
