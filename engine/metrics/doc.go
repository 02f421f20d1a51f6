// Package metrics writes what an engine counts as Prometheus text, with the standard library alone:
//
//	http.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
//		w.Header().Set("Content-Type", metrics.ContentType)
//		metrics.WriteMetrics(w, eng)
//	})
//
// A scrape takes no turn of the engine's loop and no time of it: the loop leaves its numbers every
// 50 ms (Engine.Sample). Each sample has the label member, the engine's own name, so that a process
// may have several. Counters begin with the engine. Units are seconds, bytes, and bytes a second.
// Names and labels are stable: some are added, none is renamed.
//
// The metrics, with their labels beside member:
//
//	quidnunc_members{state}                       gauge   Members that are known, this one included, by what is believed of them.
//	quidnunc_members_answering                    gauge   Members whose frames arrive here, this one included.
//	quidnunc_generation_renewals_total            counter Times that this member began a new generation.
//	quidnunc_name_conflicts_total                 counter Live rivals for this member's name.
//	quidnunc_events_lost_total                    counter Member events that a slow OnEvent missed.
//	quidnunc_broadcasts_lost_total                counter Broadcasts that came too fast or too late.
//	quidnunc_disk_failing                         gauge   1 while Config.Disk does not keep what is written.
//	quidnunc_watchers                             gauge   Watch and Changes calls that run.
//	quidnunc_loop_lag_seconds                     gauge   How long the loop's turns take while one follows the other.
//	quidnunc_keys                                 gauge   Live keys of all members in this replica.
//	quidnunc_value_bytes                          gauge   Bytes of keys and values in this replica.
//	quidnunc_store_footprint_bytes                gauge   Memory that this replica holds.
//	quidnunc_writes_total                         counter Local writes that were taken.
//	quidnunc_writes_rejected_total                counter Local writes that were refused with an error.
//	quidnunc_writes_without_room_total            counter Local writes that were taken and then found no room.
//	quidnunc_writes_held_total                    counter Local writes that waited for the allowed rate.
//	quidnunc_writes_staged                        gauge   Local writes that wait for the loop.
//	quidnunc_entries_new_total                    counter Entries received that were news.
//	quidnunc_entries_known_total                  counter Entries received that were known already.
//	quidnunc_entries_sent_total                   counter Entries sent.
//	quidnunc_frames_total{direction}              counter Frames through the socket.
//	quidnunc_frames_stale_total                   counter Frames that were not sent, since the socket took none for 100 ms.
//	quidnunc_frame_bytes_total{direction}         counter Payload through the socket.
//	quidnunc_run_frames_sent_total                counter Frames sent that carried entries.
//	quidnunc_run_bytes_sent_total                 counter Bytes of the records in them.
//	quidnunc_runs_received_total                  counter Runs of entries received.
//	quidnunc_gaps_total                           counter Runs received that began above what was known.
//	quidnunc_mail_frames_sent_total               counter Frames sent with own writes.
//	quidnunc_rumor_frames_sent_total              counter Frames sent with news of others.
//	quidnunc_spread_direct                        gauge   Ranges that own writes are told to one member each for, where they go over delegates; else 0.
//	quidnunc_delegations_sent_total               counter Runs sent over delegates.
//	quidnunc_delegations_taken_total              counter Ranges of others that were covered.
//	quidnunc_delegations_replaced_total           counter Ranges that went to another member, since the first did not answer.
//	quidnunc_delegations_refused_total            counter Ranges that a member said it does not cover.
//	quidnunc_delegations_lost_total               counter Runs over delegates that were given up.
//	quidnunc_delegations_forged_total             counter Ranges that no member can have given.
//	quidnunc_delegations_stale_total              counter Ranges that were covered before, or whose news was old.
//	quidnunc_delegations_false_total              counter Members that said they cover a range, and did not.
//	quidnunc_delegations_busy_total               counter Delegations for which there was no room.
//	quidnunc_acknowledgement_frames_sent_total    counter Frames sent that carried an acknowledgement alone.
//	quidnunc_rewinds_total                        counter Times that a missed acknowledgement moved a peer's cursor back.
//	quidnunc_drops_total{reason}                  counter Datagrams and records that were not used.
//	quidnunc_send_errors_total{kind}              counter Datagrams that did not leave.
//	quidnunc_exchanges_total                      counter Comparisons that this member began.
//	quidnunc_agreements_total                     counter Comparisons that found both sides equal.
//	quidnunc_digests_total{direction}             counter Version vectors, whole or in windows.
//	quidnunc_sketches_sent_total                  counter Sketches of the version vector sent.
//	quidnunc_ranges_sent_total                    counter Records of fingerprints of parts of the version vector sent.
//	quidnunc_sketches_decoded_total               counter Sketches of others that showed every difference.
//	quidnunc_fallbacks_total                      counter Comparisons that came down to the whole version vector.
//	quidnunc_pulls_sent_total                     counter Requests for what was missing.
//	quidnunc_pulls_served_total                   counter Such requests of others that were answered.
//	quidnunc_audit_entries_total                  counter Entries that were held against their owner's.
//	quidnunc_audit_passes_total                   counter Times that the log of a member was gone through.
//	quidnunc_audit_missing_total                  counter Entries that an audit found missing.
//	quidnunc_audit_damaged_total                  counter Entries that an audit found changed.
//	quidnunc_audit_removed_total                  counter Entries that an audit found deleted long ago.
//	quidnunc_audit_foreign_total                  counter Entries that an audit found, and their owner does not have.
//	quidnunc_checkpoints_sent_total               counter Sums of this member's entries sent.
//	quidnunc_checkpoints_asked_total              counter Members that were asked for the sum of theirs.
//	quidnunc_checkpoints_equal_total              counter Sums that were the same here.
//	quidnunc_checkpoints_differed_total           counter Sums that were other ones here.
//	quidnunc_contradicted_total                   counter Parts of logs that were made what their owners hold, since a sum differed.
//	quidnunc_contradicted_members_total{peer}     counter Times that a member was named for entries that were not their owner's: 32 are named.
//	quidnunc_checkpoints_forged_total             counter Sums and signatures that somebody said of another one's entries.
//	quidnunc_signatures_made_total                counter Signatures of this member's entries.
//	quidnunc_signatures_held_total                counter Signatures of members of what was here of them.
//	quidnunc_signatures_forged_total              counter Signatures that were not under the key known as the member's.
//	quidnunc_signatures_unbound_total             counter Signatures that say nothing: there was no room to keep whose key they are under.
//	quidnunc_repair_hops_total                    counter Walks of ring repair that came here.
//	quidnunc_probes_total                         counter Probes sent.
//	quidnunc_probe_answers_total                  counter Probes of others that were answered.
//	quidnunc_probe_rounds_missed_total            counter Rounds of probes that a member did not answer.
//	quidnunc_votes_sent_total                     counter Votes about members sent.
//	quidnunc_votes_taken_total                    counter Votes of others taken.
//	quidnunc_votes_barred_total                   counter Rounds without a vote because this member mistrusted itself.
//	quidnunc_suspicions_total                     counter Suspicions that were believed here.
//	quidnunc_deaths_total                         counter Deaths that were believed here.
//	quidnunc_revivals_total                       counter Dead members that came back.
//	quidnunc_refutations_total                    counter Suspicions of this member that it answered.
//	quidnunc_loop_stalls_total                    counter Times that the own loop came late.
//	quidnunc_own_health                           gauge   What this member thinks of itself: 0 is well, 8 is worst.
//	quidnunc_probe_period_seconds                 gauge   How long a round of probes takes now; longer than set while doubts were in vain.
//	quidnunc_detector_drops_total{reason}         counter Words about members that were not believed; some are usual.
//	quidnunc_write_rate_bytes_per_second{rate}    gauge   Own writes: as published, as wished, and as allowed.
//	quidnunc_writes_unpublished                   gauge   Own entries that wait for the allowed rate.
//	quidnunc_receive_rate_bytes_per_second        gauge   What arrives from all peers.
//	quidnunc_receive_credit_bytes_per_second      gauge   What each peer is told that it may send; 0 for anything.
//	quidnunc_receive_pressed                      gauge   1 while the receive queue does not drain.
//	quidnunc_send_budget_bytes_per_second         gauge   What may be sent to all peers together.
//	quidnunc_deferred_bytes                       gauge   Own entries that peers have not been sent yet.
//	quidnunc_peers_waiting                        gauge   Peers for which something is held back.
//	quidnunc_peers_silent                         gauge   Peers that stopped answering.
//	quidnunc_frames_held_total                    counter Times that a peer's budget held something back.
//	quidnunc_budget_cuts_total                    counter Times that a peer's budget was lowered.
//	quidnunc_budget_timeouts_total                counter Of these, those for want of an answer.
//	quidnunc_absurd_words_total                   counter What peers told of the flow that can not be.
//	quidnunc_socket_calls_total{direction}        counter System calls that moved datagrams.
//	quidnunc_socket_datagrams_total{direction}    counter Datagrams of the socket.
//	quidnunc_socket_receive_errors_total          counter Receives that failed.
//	quidnunc_socket_receive_queue_bytes           gauge   Memory of datagrams that wait in the kernel.
//	quidnunc_socket_receive_buffer_bytes          gauge   The limit on it that the kernel granted.
//	quidnunc_large_values                         gauge   Entries that refer to a large value.
//	quidnunc_contents{state}                      gauge   Contents of large values: here, and wanted and not here.
//	quidnunc_content_bytes                        gauge   Bytes of contents that are here or on their way.
//	quidnunc_contents_fetched_total               counter Contents that came from others.
//	quidnunc_contents_served_total                counter Contents that were sent to others.
//	quidnunc_contents_unavailable_total           counter Large values above Limits.LargeBytes, and fetches without room below Limits.ContentBytes.
//	quidnunc_contents_absent_total                counter Answers of members that do not have what they were asked for.
//	quidnunc_contents_forged_total{peer}          counter Bodies that were not what was asked for, by who sent them: 32 are named.
//	quidnunc_bodies_forged_total                  counter Bodies without the sum that was asked for, of anybody.
//	quidnunc_streams{state}                       gauge   Streams that are up, and those of others that are not yet.
//	quidnunc_streams_begun_total{side}            counter Streams that came up, by who opened them.
//	quidnunc_streams_ended_total{cause}           counter Streams that ended, by why.
//	quidnunc_streams_refused_total                counter Connections that were closed at the door for want of room.
//	quidnunc_stream_body_bytes_total{direction}   counter Bytes of bodies, not compressed.
//	quidnunc_stream_wire_bytes_total{direction}   counter Bytes of streams' sockets.
package metrics
