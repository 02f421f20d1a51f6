package metrics

import (
	"maps"
	"math"
	"slices"

	"github.com/quidnunc/quidnunc/engine"
)

type read = func(s *engine.Stats, put func(label string, value float64))

// one reads a metric without a label.
func one(f func(s *engine.Stats) float64) read {
	return func(s *engine.Stats, put func(string, float64)) { put("", f(s)) }
}

// count is one for counters.
func count(f func(s *engine.Stats) uint64) read {
	return one(func(s *engine.Stats) float64 { return float64(f(s)) })
}

// level is one for levels.
func level(f func(s *engine.Stats) int) read {
	return one(func(s *engine.Stats) float64 { return float64(f(s)) })
}

// both reads a metric with two values of its label.
func both(a, b string, f func(s *engine.Stats) (uint64, uint64)) read {
	return func(s *engine.Stats, put func(string, float64)) {
		x, y := f(s)
		put(a, float64(x))
		put(b, float64(y))
	}
}

// each reads a map: all known labels, those that never occurred as 0.
func each(known []string, f func(s *engine.Stats) map[string]uint64) read {
	return func(s *engine.Stats, put func(string, float64)) {
		m := f(s)
		for _, label := range known {
			put(label, float64(m[label]))
		}
	}
}

const (
	direction = "direction"
	received  = "received"
	sent      = "sent"
)

// families are all metrics, in the order in which they are written.
var families = slices.Concat(memberFamilies, storeFamilies, trafficFamilies, compareFamilies, detectorFamilies, flowFamilies, socketFamilies, largeFamilies)

var memberFamilies = []family{
	{"quidnunc_members", Gauge, "Members that are known, this one included, by what is believed of them.", "state", byState},
	{"quidnunc_members_answering", Gauge, "Members whose frames arrive here, this one included.", "", level(func(s *engine.Stats) int { return s.Alive })},
	{"quidnunc_generation_renewals_total", Counter, "Times that this member began a new generation.", "", count(func(s *engine.Stats) uint64 { return s.Renewals })},
	{"quidnunc_name_conflicts_total", Counter, "Live rivals for this member's name.", "", count(func(s *engine.Stats) uint64 { return s.Conflicts })},
	{"quidnunc_events_lost_total", Counter, "Member events that a slow OnEvent missed.", "", count(func(s *engine.Stats) uint64 { return s.EventsLost })},
	{"quidnunc_broadcasts_lost_total", Counter, "Broadcasts that came too fast or too late.", "", count(func(s *engine.Stats) uint64 { return s.BroadcastsLost })},
	{"quidnunc_disk_failing", Gauge, "1 while Config.Disk does not keep what is written.", "", level(diskFailing)},
	{"quidnunc_watchers", Gauge, "Watch and Changes calls that run.", "", level(func(s *engine.Stats) int { return s.Watchers })},
	{"quidnunc_loop_lag_seconds", Gauge, "How long the loop's turns take while one follows the other.", "", one(func(s *engine.Stats) float64 { return s.LoopLag.Seconds() })},
}

func diskFailing(s *engine.Stats) int {
	if s.DiskProblem != "" {
		return 1
	}
	return 0
}

func byState(s *engine.Stats, put func(string, float64)) {
	for state, n := range s.ByState {
		put(engine.MemberState(state).String(), float64(n))
	}
}

var storeFamilies = []family{
	{"quidnunc_keys", Gauge, "Live keys of all members in this replica.", "", level(func(s *engine.Stats) int { return s.Keys })},
	{"quidnunc_value_bytes", Gauge, "Bytes of keys and values in this replica.", "", level(func(s *engine.Stats) int { return s.ValueBytes })},
	{"quidnunc_store_footprint_bytes", Gauge, "Memory that this replica holds.", "", level(func(s *engine.Stats) int { return s.Footprint })},
	{"quidnunc_writes_total", Counter, "Local writes that were taken.", "", count(func(s *engine.Stats) uint64 { return s.Writes })},
	{"quidnunc_writes_rejected_total", Counter, "Local writes that were refused with an error.", "", count(func(s *engine.Stats) uint64 { return s.WritesRejected })},
	{"quidnunc_writes_without_room_total", Counter, "Local writes that were taken and then found no room.", "", count(func(s *engine.Stats) uint64 { return s.WritesRefused })},
	{"quidnunc_writes_held_total", Counter, "Local writes that waited for the allowed rate.", "", count(func(s *engine.Stats) uint64 { return s.Flow.WritesHeld })},
	{"quidnunc_writes_staged", Gauge, "Local writes that wait for the loop.", "", level(func(s *engine.Stats) int { return s.Staged })},
	{"quidnunc_entries_new_total", Counter, "Entries received that were news.", "", count(func(s *engine.Stats) uint64 { return s.EntriesNew })},
	{"quidnunc_entries_known_total", Counter, "Entries received that were known already.", "", count(func(s *engine.Stats) uint64 { return s.EntriesOld })},
	{"quidnunc_entries_sent_total", Counter, "Entries sent.", "", count(func(s *engine.Stats) uint64 { return s.EntriesSent })},
}

var trafficFamilies = []family{
	{"quidnunc_frames_total", Counter, "Frames through the socket.", direction, both(received, sent, func(s *engine.Stats) (uint64, uint64) { return s.FramesReceived, s.FramesSent })},
	{"quidnunc_frames_stale_total", Counter, "Frames that were not sent, since the socket took none for 100 ms.", "", count(func(s *engine.Stats) uint64 { return s.FramesStale })},
	{"quidnunc_frame_bytes_total", Counter, "Payload through the socket.", direction, both(received, sent, func(s *engine.Stats) (uint64, uint64) { return s.BytesReceived, s.BytesSent })},
	{"quidnunc_run_frames_sent_total", Counter, "Frames sent that carried entries.", "", count(func(s *engine.Stats) uint64 { return s.RunFrames })},
	{"quidnunc_run_bytes_sent_total", Counter, "Bytes of the records in them.", "", count(func(s *engine.Stats) uint64 { return s.RunBytes })},
	{"quidnunc_runs_received_total", Counter, "Runs of entries received.", "", count(func(s *engine.Stats) uint64 { return s.RunsReceived })},
	{"quidnunc_gaps_total", Counter, "Runs received that began above what was known.", "", count(func(s *engine.Stats) uint64 { return s.Gaps })},
	{"quidnunc_mail_frames_sent_total", Counter, "Frames sent with own writes.", "", count(func(s *engine.Stats) uint64 { return s.MailSent })},
	{"quidnunc_rumor_frames_sent_total", Counter, "Frames sent with news of others.", "", count(func(s *engine.Stats) uint64 { return s.RumorsSent })},
	{"quidnunc_spread_direct", Gauge, "Ranges that own writes are told to one member each for, where they go over delegates; else 0.", "", level(func(s *engine.Stats) int { return s.Spread.Direct })},
	{"quidnunc_delegations_sent_total", Counter, "Runs sent over delegates.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Sent })},
	{"quidnunc_delegations_taken_total", Counter, "Ranges of others that were covered.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Taken })},
	{"quidnunc_delegations_replaced_total", Counter, "Ranges that went to another member, since the first did not answer.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Replaced })},
	{"quidnunc_delegations_refused_total", Counter, "Ranges that a member said it does not cover.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Refused })},
	{"quidnunc_delegations_lost_total", Counter, "Runs over delegates that were given up.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Lost })},
	{"quidnunc_delegations_forged_total", Counter, "Ranges that no member can have given.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Forged })},
	{"quidnunc_delegations_stale_total", Counter, "Ranges that were covered before, or whose news was old.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Stale })},
	{"quidnunc_delegations_false_total", Counter, "Members that said they cover a range, and did not.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.False })},
	{"quidnunc_delegations_busy_total", Counter, "Delegations for which there was no room.", "", count(func(s *engine.Stats) uint64 { return s.Delegation.Busy })},
	{"quidnunc_acknowledgement_frames_sent_total", Counter, "Frames sent that carried an acknowledgement alone.", "", count(func(s *engine.Stats) uint64 { return s.AcksSent })},
	{"quidnunc_rewinds_total", Counter, "Times that a missed acknowledgement moved a peer's cursor back.", "", count(func(s *engine.Stats) uint64 { return s.Rewinds })},
	{"quidnunc_drops_total", Counter, "Datagrams and records that were not used.", "reason", each(engine.DropReasons(), func(s *engine.Stats) map[string]uint64 { return s.Drops })},
	{"quidnunc_send_errors_total", Counter, "Datagrams that did not leave.", "kind", each(engine.SendErrorKinds(), func(s *engine.Stats) map[string]uint64 { return s.SendErrors })},
}

var compareFamilies = []family{
	{"quidnunc_exchanges_total", Counter, "Comparisons that this member began.", "", count(func(s *engine.Stats) uint64 { return s.Exchanges })},
	{"quidnunc_agreements_total", Counter, "Comparisons that found both sides equal.", "", count(func(s *engine.Stats) uint64 { return s.Agreements })},
	{"quidnunc_digests_total", Counter, "Version vectors, whole or in windows.", direction, both(received, sent, func(s *engine.Stats) (uint64, uint64) { return s.DigestsReceived, s.DigestsSent })},
	{"quidnunc_sketches_sent_total", Counter, "Sketches of the version vector sent.", "", count(func(s *engine.Stats) uint64 { return s.SketchesSent })},
	{"quidnunc_ranges_sent_total", Counter, "Records of fingerprints of parts of the version vector sent.", "", count(func(s *engine.Stats) uint64 { return s.RangesSent })},
	{"quidnunc_sketches_decoded_total", Counter, "Sketches of others that showed every difference.", "", count(func(s *engine.Stats) uint64 { return s.SketchesDecoded })},
	{"quidnunc_fallbacks_total", Counter, "Comparisons that came down to the whole version vector.", "", count(func(s *engine.Stats) uint64 { return s.Fallbacks })},
	{"quidnunc_pulls_sent_total", Counter, "Requests for what was missing.", "", count(func(s *engine.Stats) uint64 { return s.PullsSent })},
	{"quidnunc_pulls_served_total", Counter, "Such requests of others that were answered.", "", count(func(s *engine.Stats) uint64 { return s.PullsServed })},
	{"quidnunc_audit_entries_total", Counter, "Entries that were held against their owner's.", "", count(func(s *engine.Stats) uint64 { return s.Audit.Entries })},
	{"quidnunc_audit_passes_total", Counter, "Times that the log of a member was gone through.", "", count(func(s *engine.Stats) uint64 { return s.Audit.Passes })},
	{"quidnunc_audit_missing_total", Counter, "Entries that an audit found missing.", "", count(func(s *engine.Stats) uint64 { return s.Audit.Missing })},
	{"quidnunc_audit_damaged_total", Counter, "Entries that an audit found changed.", "", count(func(s *engine.Stats) uint64 { return s.Audit.Damaged })},
	{"quidnunc_audit_removed_total", Counter, "Entries that an audit found deleted long ago.", "", count(func(s *engine.Stats) uint64 { return s.Audit.Removed })},
	{"quidnunc_audit_foreign_total", Counter, "Entries that an audit found, and their owner does not have.", "", count(func(s *engine.Stats) uint64 { return s.Audit.Foreign })},
	{"quidnunc_checkpoints_sent_total", Counter, "Sums of this member's entries sent.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Sent })},
	{"quidnunc_checkpoints_asked_total", Counter, "Members that were asked for the sum of theirs.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Asked })},
	{"quidnunc_checkpoints_equal_total", Counter, "Sums that were the same here.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Equal })},
	{"quidnunc_checkpoints_differed_total", Counter, "Sums that were other ones here.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Differed })},
	{"quidnunc_contradicted_total", Counter, "Parts of logs that were made what their owners hold, since a sum differed.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Contradicted })},
	{"quidnunc_contradicted_members_total", Counter, "Times that a member was named for entries that were not their owner's: 32 are named.", "peer", liars},
	{"quidnunc_checkpoints_forged_total", Counter, "Sums and signatures that somebody said of another one's entries.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Forged })},
	{"quidnunc_signatures_made_total", Counter, "Signatures of this member's entries.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Made })},
	{"quidnunc_signatures_held_total", Counter, "Signatures of members of what was here of them.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.Signed })},
	{"quidnunc_signatures_forged_total", Counter, "Signatures that were not under the key known as the member's.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.SignaturesForged })},
	{"quidnunc_signatures_unbound_total", Counter, "Signatures that say nothing: there was no room to keep whose key they are under.", "", count(func(s *engine.Stats) uint64 { return s.Checkpoints.SignaturesUnbound })},
	{"quidnunc_repair_hops_total", Counter, "Walks of ring repair that came here.", "", count(func(s *engine.Stats) uint64 { return s.RepairHops })},
}

var detectorFamilies = []family{
	{"quidnunc_probes_total", Counter, "Probes sent.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Probes })},
	{"quidnunc_probe_answers_total", Counter, "Probes of others that were answered.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Answers })},
	{"quidnunc_probe_rounds_missed_total", Counter, "Rounds of probes that a member did not answer.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Missed })},
	{"quidnunc_votes_sent_total", Counter, "Votes about members sent.", "", count(func(s *engine.Stats) uint64 { return s.Detector.VotesSent })},
	{"quidnunc_votes_taken_total", Counter, "Votes of others taken.", "", count(func(s *engine.Stats) uint64 { return s.Detector.VotesTaken })},
	{"quidnunc_votes_barred_total", Counter, "Rounds without a vote because this member mistrusted itself.", "", count(func(s *engine.Stats) uint64 { return s.Detector.VotesBarred })},
	{"quidnunc_suspicions_total", Counter, "Suspicions that were believed here.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Suspicions })},
	{"quidnunc_deaths_total", Counter, "Deaths that were believed here.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Deaths })},
	{"quidnunc_revivals_total", Counter, "Dead members that came back.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Revived })},
	{"quidnunc_refutations_total", Counter, "Suspicions of this member that it answered.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Refutations })},
	{"quidnunc_loop_stalls_total", Counter, "Times that the own loop came late.", "", count(func(s *engine.Stats) uint64 { return s.Detector.Stalls })},
	{"quidnunc_own_health", Gauge, "What this member thinks of itself: 0 is well, 8 is worst.", "", level(func(s *engine.Stats) int { return s.Detector.Health })},
	{"quidnunc_probe_period_seconds", Gauge, "How long a round of probes takes now; longer than set while doubts were in vain.", "", one(func(s *engine.Stats) float64 { return s.Detector.Period.Seconds() })},
	{"quidnunc_detector_drops_total", Counter, "Words about members that were not believed; some are usual.", "reason", detectorDrops},
}

func detectorDrops(s *engine.Stats, put func(string, float64)) {
	for _, reason := range slices.Sorted(maps.Keys(s.Detector.Drops)) {
		put(reason, float64(s.Detector.Drops[reason]))
	}
}

var flowFamilies = []family{
	{"quidnunc_write_rate_bytes_per_second", Gauge, "Own writes: as published, as wished, and as allowed.", "rate", writeRates},
	{"quidnunc_writes_unpublished", Gauge, "Own entries that wait for the allowed rate.", "", level(func(s *engine.Stats) int { return s.Flow.Unpublished })},
	{"quidnunc_receive_rate_bytes_per_second", Gauge, "What arrives from all peers.", "", level(func(s *engine.Stats) int { return s.Flow.Receiving })},
	{"quidnunc_receive_credit_bytes_per_second", Gauge, "What each peer is told that it may send; 0 for anything.", "", level(func(s *engine.Stats) int { return s.Flow.Credit })},
	{"quidnunc_receive_pressed", Gauge, "1 while the receive queue does not drain.", "", one(func(s *engine.Stats) float64 { return bit(s.Flow.Pressed) })},
	{"quidnunc_send_budget_bytes_per_second", Gauge, "What may be sent to all peers together.", "", level(func(s *engine.Stats) int { return s.Flow.Sending })},
	{"quidnunc_deferred_bytes", Gauge, "Own entries that peers have not been sent yet.", "", level(func(s *engine.Stats) int { return s.Flow.Deferred })},
	{"quidnunc_peers_waiting", Gauge, "Peers for which something is held back.", "", level(func(s *engine.Stats) int { return s.Flow.Waiting })},
	{"quidnunc_peers_silent", Gauge, "Peers that stopped answering.", "", level(func(s *engine.Stats) int { return s.Flow.Silent })},
	{"quidnunc_frames_held_total", Counter, "Times that a peer's budget held something back.", "", count(func(s *engine.Stats) uint64 { return s.Flow.FramesHeld })},
	{"quidnunc_budget_cuts_total", Counter, "Times that a peer's budget was lowered.", "", count(func(s *engine.Stats) uint64 { return s.Flow.Cuts })},
	{"quidnunc_budget_timeouts_total", Counter, "Of these, those for want of an answer.", "", count(func(s *engine.Stats) uint64 { return s.Flow.Timeouts })},
	{"quidnunc_absurd_words_total", Counter, "What peers told of the flow that can not be.", "", count(func(s *engine.Stats) uint64 { return s.Flow.Absurd })},
}

func writeRates(s *engine.Stats, put func(string, float64)) {
	allowed := float64(s.Flow.Allowed)
	if s.Flow.Free {
		allowed = math.Inf(1)
	}
	put("used", float64(s.Flow.Used))
	put("desired", float64(s.Flow.Desired))
	put("allowed", allowed)
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var socketFamilies = []family{
	{"quidnunc_socket_calls_total", Counter, "System calls that moved datagrams.", direction, both(received, sent, func(s *engine.Stats) (uint64, uint64) { return s.Socket.RecvCalls, s.Socket.SendCalls })},
	{"quidnunc_socket_datagrams_total", Counter, "Datagrams of the socket.", direction, both(received, sent, func(s *engine.Stats) (uint64, uint64) { return s.Socket.Received, s.Socket.Sent })},
	{"quidnunc_socket_receive_errors_total", Counter, "Receives that failed.", "", count(func(s *engine.Stats) uint64 { return s.Socket.RecvErrors })},
	{"quidnunc_socket_receive_queue_bytes", Gauge, "Memory of datagrams that wait in the kernel.", "", count(func(s *engine.Stats) uint64 { return s.Socket.ReceiveQueueBytes })},
	{"quidnunc_socket_receive_buffer_bytes", Gauge, "The limit on it that the kernel granted.", "", count(func(s *engine.Stats) uint64 { return s.Socket.ReceiveBufferBytes })},
}

var largeFamilies = []family{
	{"quidnunc_large_values", Gauge, "Entries that refer to a large value.", "", level(func(s *engine.Stats) int { return s.Large.Refs })},
	{"quidnunc_contents", Gauge, "Contents of large values: here, and wanted and not here.", "state", contents},
	{"quidnunc_content_bytes", Gauge, "Bytes of contents that are here or on their way.", "", level(func(s *engine.Stats) int { return s.Large.Bytes })},
	{"quidnunc_contents_fetched_total", Counter, "Contents that came from others.", "", count(func(s *engine.Stats) uint64 { return s.Large.Fetched })},
	{"quidnunc_contents_served_total", Counter, "Contents that were sent to others.", "", count(func(s *engine.Stats) uint64 { return s.Large.Served })},
	{"quidnunc_contents_unavailable_total", Counter, "Large values above Limits.LargeBytes, and fetches without room below Limits.ContentBytes.", "", count(func(s *engine.Stats) uint64 { return s.Large.Unavailable })},
	{"quidnunc_contents_absent_total", Counter, "Answers of members that do not have what they were asked for.", "", count(func(s *engine.Stats) uint64 { return s.Large.Absent })},
	{"quidnunc_contents_forged_total", Counter, "Bodies that were not what was asked for, by who sent them: 32 are named.", "peer", forged},
	{"quidnunc_bodies_forged_total", Counter, "Bodies without the sum that was asked for, of anybody.", "", count(func(s *engine.Stats) uint64 { return s.Large.Streams.Forged })},
	{"quidnunc_streams", Gauge, "Streams that are up, and those of others that are not yet.", "state", streams},
	{"quidnunc_streams_begun_total", Counter, "Streams that came up, by who opened them.", "side", both("here", "there", func(s *engine.Stats) (uint64, uint64) { return s.Large.Streams.Opened, s.Large.Streams.Accepted })},
	{"quidnunc_streams_ended_total", Counter, "Streams that ended, by why.", "cause", ended},
	{"quidnunc_streams_refused_total", Counter, "Connections that were closed at the door for want of room.", "", count(func(s *engine.Stats) uint64 { return s.Large.Streams.Refused })},
	{"quidnunc_stream_body_bytes_total", Counter, "Bytes of bodies, not compressed.", direction, both(received, sent, func(s *engine.Stats) (uint64, uint64) {
		return s.Large.Streams.ReceivedBytes, s.Large.Streams.SentBytes
	})},
	{"quidnunc_stream_wire_bytes_total", Counter, "Bytes of streams' sockets.", direction, both(received, sent, func(s *engine.Stats) (uint64, uint64) { return s.Large.Streams.WireReceived, s.Large.Streams.WireSent })},
}

func contents(s *engine.Stats, put func(string, float64)) {
	put("here", float64(s.Large.Here))
	put("missing", float64(s.Large.Missing))
}

func liars(s *engine.Stats, put func(string, float64)) {
	for _, l := range s.Checkpoints.Liars {
		put(l.Member, float64(l.Times))
	}
}

func forged(s *engine.Stats, put func(string, float64)) {
	for _, f := range s.Large.Forgers {
		put(f.Member, float64(f.Bodies))
	}
}

func streams(s *engine.Stats, put func(string, float64)) {
	put("up", float64(s.Large.Streams.Up))
	put("half-open", float64(s.Large.Streams.HalfOpen))
}

func ended(s *engine.Stats, put func(string, float64)) {
	for cause, n := range s.Large.Ends() {
		put(cause, float64(n))
	}
}
