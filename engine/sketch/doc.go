// Package sketch tells in one frame which origins differ between two nodes, and
// by how many versions, at a cost that follows the difference and not the number
// of nodes.
//
// # The sketch
//
// A version vector has one writer for each coordinate. A [Sketch] is a linear
// image of it: every origin adds its version v to four cells, as v, v times its
// identifier and v times a hash of it, in wrapping arithmetic. A version that
// grows by dv adds dv times the same three numbers to the same four cells, less
// than ten nanoseconds with a cached [Item].
//
// Being linear, the difference of two sketches is the sketch of the difference:
// origins at equal versions cancel out. A cell that only one differing origin is
// left in shows itself (the second number divided by the first is an identifier
// whose hash explains the third), and is taken out of its other three cells,
// which may leave those with one, and so on. It is an invertible Bloom lookup
// table over counters instead of sets: one entry for each differing origin where
// a table of (origin, version) pairs needs two, and cells that never move.
//
// # Sizes
//
// A node keeps 240 cells and sends any of [codec.SketchSizes]: smaller sketches are the
// large one folded (cell i goes to i mod size), and the four cells of an origin
// are chosen to be distinct in each of them. Share of full decodes, 2,000 trials
// a point, random identifiers and signs (TestDecodeSuccess holds
// them):
//
//	cells  bytes  99 % up to   95 % up to
//	   24    386      d = 9        d = 12
//	   40    642      d = 20       d = 23
//	   60    962      d = 34       d = 37
//	   80   1282      d = 48       d = 52
//	  120   1922      d = 79       d = 82
//	  240   3842      d = 165      d = 170
//
// What could not be told apart stays; what was decoded is right and useful also
// when not all was. Beyond d of about 50 nearly nothing decodes: the explicit
// windows of the version vector are for that.
//
// # Limits
//
// An identifier is the upper 40 bits of an OriginID (never 0 here): among 100,000
// origins two share them with a chance of half a percent, and then only their sum
// is seen, which the windows repair. A difference of 2^23 versions or more does not
// show in a cell, and spoils its four cells for others. Cells and hashes depend
// on a key, so that nobody outside chooses colliding identifiers; two origins with
// the same four cells hide each other under one key and not under the next.
// A hostile sketch can make the decoder report nonsense, at most as many
// differences as it has cells, in bounded time.
package sketch
