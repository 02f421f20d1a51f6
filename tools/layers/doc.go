// Package layers keeps the module's layers: which package may import what, and
// what the pure packages may not contain. Its test walks every Go file of the
// module, so a breach fails go test ./... with the file and line.
//
//	tools/*    bench/*    fuzz/*          may import anything below
//	               engine                 the embedder's API, the only clock; engine/disk its files
//	       /                    \
//	 batch/linux  portable  simnet
//	               batch                  the socket contract
//	           engine/core                composition of the leaves
//	 state  reconcile  compare  interval  rumor  walk  flow  link  mail  door  protect  member
//	       codec     sched     ring
//
// Purity is an import list: a pure package sees bytes and arithmetic, so it can
// neither ask for the time nor for a random number nor for a socket. On top of
// that it has no go statement, channel, select or map (their order is not the
// program's) and no floating point (a compiler may fuse x*y+z, so two processors
// may differ).
//
// The house in which all protocols meet, engine/core, has ceilings: fields of its root type and
// functions that reach it, functions through which leaves see peers and origins, fields of a peer,
// lines of a file and of all. A field of Core, peer and origin is written by one file, the one that
// its comment names if it names one, and so are whole values. A leaf that the house composes looks
// down: its row can't name the house, and it keeps no function; what it asks of its host is an
// interface. What is above that today stands in testdata/house.txt, which may only shrink
// (house.go).
//
// The table is in rules.go. A new package needs a row there, and a row permits only
// what its package imports. Test files, testdata and nested modules are not
// looked at: tests may use what they like.
package layers
