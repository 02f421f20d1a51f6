package load

import (
	"strconv"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Schema names the shape of Report. Fields are added, never renamed or removed.
const Schema = "qn.load/1"

// Report is the result of one run. The JSON names are a contract; times are microseconds where a
// name ends in _us.
type Report struct {
	Schema    string  `json:"schema"`
	Nodes     int     `json:"nodes"`
	Seed      string  `json:"seed"`
	Keys      int     `json:"keys_per_node"`
	SizeBytes int     `json:"size_bytes"`
	Mode      string  `json:"mode"`
	Order     string  `json:"order"`
	Spread    string  `json:"spread"`
	Diff      string  `json:"diff"`
	Rumor     string  `json:"rumor,omitempty"`
	RepairS   float64 `json:"repair_s,omitempty"`
	Sealed    bool    `json:"sealed"`
	Loss      float64 `json:"loss"`
	Reactors  int     `json:"reactors"`
	WarmupS   float64 `json:"warmup_s"`
	DurationS float64 `json:"duration_s"`

	RateTarget     float64 `json:"rate_target"`
	RateAchieved   float64 `json:"rate_achieved"`
	Writes         uint64  `json:"writes"`
	WritesRejected uint64  `json:"writes_rejected"`
	WritesMissed   uint64  `json:"writes_missed"` // the generator itself came too late
	SampleShare    float64 `json:"sample_share"`  // of the writes whose visibility was followed
	SamplesUnseen  uint64  `json:"samples_unseen"`

	LocalWriteNs Quantiles `json:"local_write_ns"` // nanoseconds
	PacerLag     Quantiles `json:"pacer_lag_us"`
	VisibleHalf  Quantiles `json:"visible_half_us"`
	Visible99    Quantiles `json:"visible_99_us"`
	VisibleAll   Quantiles `json:"visible_all_us"`
	FirstThird   float64   `json:"visible_all_first_third_p99_us"`
	LastThird    float64   `json:"visible_all_last_third_p99_us"`
	Behind       float64   `json:"falls_behind_share"` // of the time: how much later news is, by the medians of the first third and the last

	Deliveries       float64           `json:"deliveries_per_s"` // new entries applied, all nodes together
	Coalesced        float64           `json:"coalesced_share"`  // of the deliveries that never were: a newer write of the key overtook
	BytesPerNode     float64           `json:"bytes_sent_per_node_per_s"`
	DatagramsPerNode float64           `json:"datagrams_sent_per_node_per_s"`
	Redundancy       float64           `json:"redundancy"` // entries received ÷ new
	Fill             float64           `json:"fill"`       // bytes ÷ room, of the frames that carried entries
	PullsShare       float64           `json:"pulls_share"`
	Drops            map[string]uint64 `json:"drops"`
	Suspicions       uint64            `json:"false_suspicions"` // no node fails in this run

	AllocsPerWrite float64 `json:"allocs_per_write"`
	AllocsPerEntry float64 `json:"allocs_per_entry"`
	GCCycles       uint64  `json:"gc_cycles"`
	CPUCores       float64 `json:"cpu_cores"`
	CPUOthers      float64 `json:"cpu_cores_others"`    // what others on this machine, and its host, had meanwhile
	CPUNanos       float64 `json:"cpu_ns_per_delivery"` // of the whole process, generator and kernel included
	ObserverShare  float64 `json:"observer_cpu_share"`  // of the process's CPU time

	FormMs    float64 `json:"form_ms"`
	DrainMs   float64 `json:"drain_ms"`
	Converged bool    `json:"converged"`
	Different uint64  `json:"entries_different"` // entries that a replica lacks, has too many, or has otherwise than the owner
	Failure   string  `json:"failure,omitempty"` // why not converged, or the first refused write
	Flow      Flow    `json:"flow"`
	Env       Env     `json:"env"`

	track    *tracker
	from, to int64 // the measured phase
}

// Totals are counters summed over all nodes.
type Totals struct {
	FramesSent, FramesReceived, BytesSent uint64
	EntriesReceived, EntriesNew           uint64
	RunFramesSent, RunBytesSent           uint64
	PullsReceived, ObserverNs, Doubts     uint64
	Drops                                 map[string]uint64
	Flow                                  Flow
}

// moment is everything that is read at the start and at the end of the measured phase.
type moment struct {
	totals Totals
	costs  costs
}

// traffic fills what follows from the difference of two moments.
func (r *Report) traffic(a, b *moment, frameBytes int) {
	seconds := float64(b.costs.at-a.costs.at) / 1e9
	per := func(after, before uint64) float64 {
		return round(float64(after-before)/seconds/float64(r.Nodes), 1)
	}
	x, y := &a.totals, &b.totals
	received, fresh := float64(y.EntriesReceived-x.EntriesReceived), float64(y.EntriesNew-x.EntriesNew)
	r.Deliveries = round(fresh/seconds, 1)
	r.Coalesced = max(0, round(1-r.Deliveries/(r.RateAchieved*float64(r.Nodes-1)), 4))
	r.BytesPerNode = per(y.BytesSent, x.BytesSent)
	r.DatagramsPerNode = per(y.FramesSent, x.FramesSent)
	r.Redundancy = ratio(received, fresh)
	r.Fill = ratio(float64(y.RunBytesSent-x.RunBytesSent), float64(y.RunFramesSent-x.RunFramesSent)*float64(frameBytes))
	r.PullsShare = ratio(float64(y.PullsReceived-x.PullsReceived), float64(y.FramesReceived-x.FramesReceived))
	r.Drops = make(map[string]uint64, len(y.Drops))
	for reason, n := range y.Drops {
		r.Drops[reason] = n - x.Drops[reason]
	}
	r.Suspicions = y.Doubts - x.Doubts
	r.Flow = y.Flow.since(&x.Flow)
	allocs := float64(b.costs.allocs - a.costs.allocs)
	r.AllocsPerWrite = ratio(allocs, float64(r.Writes))
	r.AllocsPerEntry = round(allocs/received, 6)
	r.GCCycles = b.costs.gcCycles - a.costs.gcCycles
	cpu := float64(b.costs.cpuNanos - a.costs.cpuNanos)
	r.CPUCores = round(cpu/seconds/1e9, 3)
	if b.costs.allNanos > 0 {
		r.CPUOthers = max(0, round(float64(b.costs.allNanos-a.costs.allNanos)/seconds/1e9-r.CPUCores, 3))
	}
	r.CPUNanos = round(cpu/fresh, 1)
	r.ObserverShare = ratio(float64(y.ObserverNs-x.ObserverNs), cpu)
}

// writes fills what the generator counted.
func (r *Report) writes(d *driver) {
	t := &d.tally
	seconds := float64(max(d.to, t.ended)-d.from) / 1e9
	r.Writes, r.WritesRejected, r.WritesMissed = t.accepted, t.refused, t.missed
	r.RateAchieved = round(float64(t.accepted)/seconds, 1)
	r.SampleShare = ratio(float64(t.sampled), float64(t.accepted))
	r.PacerLag = quantiles(d.lag)
	nanos := quantiles(d.cost)
	r.LocalWriteNs = Quantiles{nanos.P50 * 1e3, nanos.P99 * 1e3, nanos.P999 * 1e3, nanos.Max * 1e3}
	if t.failure != nil {
		r.Failure = "write refused: " + t.failure.Error()
	}
}

// visibility fills the distributions from the samples of the measured phase. No loop may run any
// more.
func (r *Report) visibility(t *tracker, from, to int64) {
	half, most, all, first, last := newHistogram(), newHistogram(), newHistogram(), newHistogram(), newHistogram()
	third := (to - from) / 3
	for i := range t.origins {
		o := &t.origins[i]
		for k := range o.samples[:o.n.Load()] {
			s := &o.samples[k]
			if s.void || s.intended < from || s.intended >= to {
				continue
			}
			recordReached(half, s.halfAt, s.intended)
			recordReached(most, s.mostAt, s.intended)
			if !recordReached(all, s.allAt, s.intended) {
				r.SamplesUnseen++
				continue
			}
			if s.intended < from+third {
				record(first, s.allAt-s.intended)
			} else if s.intended >= to-third {
				record(last, s.allAt-s.intended)
			}
		}
	}
	r.VisibleHalf, r.Visible99, r.VisibleAll = quantiles(half), quantiles(most), quantiles(all)
	r.FirstThird, r.LastThird = micros(first.ValueAtQuantile(99)), micros(last.ValueAtQuantile(99))
	r.Behind = float64(last.ValueAtQuantile(50)-first.ValueAtQuantile(50)) / float64(max(1, 2*third)) // their middles are two thirds apart
}

func recordReached(h *hdr.Histogram, at, intended int64) bool {
	if at != 0 {
		record(h, at-intended)
	}
	return at != 0
}

// newReport fills what was asked for.
func newReport(o *Options) *Report {
	return &Report{
		Schema: Schema, Nodes: o.Nodes, Seed: strconv.FormatUint(o.Seed, 10), Keys: o.Keys, SizeBytes: int(o.Size),
		Mode: o.Mode, Order: o.Order, Spread: o.Spread, Diff: o.Diff, Rumor: o.Rumor, RepairS: o.Repair.Seconds(), Sealed: len(o.seal) > 0, Loss: float64(o.Loss), Reactors: o.Reactors,
		WarmupS: o.Warmup.Seconds(), DurationS: o.Duration.Seconds(), RateTarget: float64(o.Rate),
		Drops: map[string]uint64{},
	}
}

// coalescedMax is how much of the writes may be overtaken by newer ones of the same key for the
// rate to say how fast news travels, and not how fast keys can be overwritten at home.
const coalescedMax = 0.05

// behindMax is how much later news may be for each unit of time that passes: a cluster that takes 99 %
// of a rate has a queue that grows so fast. Tails of single thirds stray more than that by chance.
const behindMax = 0.01

// Sustained says whether the cluster kept up with the rate: at least 99 % of it was accepted, all
// replicas became equal, news fell behind by no more than behindMax, and the writes reached the
// replicas as entries of their own.
func (r *Report) Sustained() bool {
	return r.Converged && r.RateAchieved >= 0.99*r.RateTarget && r.Behind <= behindMax && r.Coalesced <= coalescedMax
}
