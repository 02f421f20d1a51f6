package paper

// Figure is the paper's figure of the largest staleness, read off to about
// 1 s, by second and ordering; nothing where it could not be read.
var Figure = []struct {
	Second                         int
	Newest, Breadth, Oldest, Depth float64
}{
	{5, 5, 5, 5, 5},
	{27, 5, 5, 5, 5},
	{40, 15, 11.5, 11.5, 12.5},
	{60, 35, 26, 22, 21},
	{72, 47, 38, 28, 22},
	{80, 55, 41, 33, 23},
	{90, 65, 50, 40, 17.5},
	{95, 70, 55, 42, 9.5},
	{98, 73, 60, 44, 9},
	{100, 6, 56, 40, 6},
	{106, 5, 51, 41, 4},
	{115, 5, 58, 39, 5},
	{120, 5, 52, 19, 5},
	{126, 0, 47, 12, 0},
	{131, 0, 0, 0, 0},
}

// Published reports a plan of the size that the paper's figure shows; at another
// one its values say nothing.
func (p Plan) Published() bool {
	p.fill()
	return p.Nodes == 128 && p.Keys == 64 && p.MTU == 100
}

var publishedPeaks = map[string]float64{
	"precise-newest": 73, "scuttle-breadth": 62, "precise-oldest": 44, "scuttle-depth": 23.6,
}

// PublishedOf gives the published curve of an ordering; nothing if the paper
// does not have it.
func PublishedOf(name string) (seconds, staleness []float64) {
	for _, row := range Figure {
		var v float64
		switch name {
		case "precise-newest":
			v = row.Newest
		case "scuttle-breadth":
			v = row.Breadth
		case "precise-oldest":
			v = row.Oldest
		case "scuttle-depth":
			v = row.Depth
		default:
			return nil, nil
		}
		seconds, staleness = append(seconds, float64(row.Second)), append(staleness, v)
	}
	return seconds, staleness
}
