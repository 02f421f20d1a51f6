package sched

// Sampler picks some of a set of handles that is listed anew each time. What it
// returns is good until the next call.
type Sampler struct{ all, some []uint32 }

// Init makes room for picks of up to most handles.
func (s *Sampler) Init(most int) { s.some = make([]uint32, most) }

// Reset begins a list, Add adds a handle to it, and All is the list.
func (s *Sampler) Reset()        { s.all = s.all[:0] }
func (s *Sampler) Add(h uint32)  { s.all = append(s.all, h) }
func (s *Sampler) All() []uint32 { return s.all }

// Pick is up to n handles of the list, each with the same chance.
func (s *Sampler) Pick(r *Rand, n int) []uint32 {
	return s.some[:Sample(r, s.all, s.some[:min(n, len(s.all), len(s.some))])]
}
