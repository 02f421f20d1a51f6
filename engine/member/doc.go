// Package member finds out which members are there: failure detection, votes,
// verdicts and their spread. It is a state machine without sockets, clocks or
// memory of its own making: the caller says what came in and what time it is,
// and pulls what is to be sent.
//
// # How a caller drives it
//
//	Add, Remove, Left         members come and go in the replicated state
//	OnRecord, Heard, SeenPrint  for each frame; an answer to a probe (AppendAnswer) goes back before other work
//	Tick at Deadline          timeouts, graces, burials
//	Next, AppendSend          what to send, while the socket takes it; AppendHot wherever a frame has room
//	NextChange                new statuses, coalesced, never lost
//	Explain, Phi, RTT         for people
//
// # Who watches whom
//
// All members stand on 8 keyed permutations of their identifiers (Ring). The
// nearest live successors of a node on each, made distinct, are its observers; with
// up to PairsMax members, both neighbours on half of them.
// On 4 of them the members of a zone stand together: so at least about half of
// who watches a member is near, and some are where a zone that is cut off is seen.
// So the load of each node is at most 8 probes and 8 answers a period at any size, any
// two nodes with the same members agree on who watches whom, and the death of
// an observer moves its work to the next in line. With up to 9 members
// everybody watches everybody.
//
// A node begins its rounds together, so that it wakes up once a period for its probes and
// once for their answers. Of two members that watch each other one probes: it confirms the
// other's last answer, which shows both what they would probe for (echo.go).
//
// # From silence to death
//
//	a round   Tries = 3 probes, each with timeout min(max(4·srtt, TimeoutMin), TimeoutMax)·(health+1)
//	          where no round trip takes less than TimeoutMax, by late answers or by Long, twice the least in its place
//	a miss    no answer to any of them: the observer votes against the member, and again every period
//	suspect   votes ≥ max(2, ⌊live observers/2⌋+1)
//	closed    as many of them were told by the kernel that its port is closed
//	dead      after Grace, of a closed one ClosedGrace, without a refutation
//
// A process that stalls for two seconds and one that was killed two seconds ago
// look alike from outside, so the grace of a silent member is long: 2.5 s with
// LAN. Where the host of a dead process answers, the kernels of its observers
// hear it (Refused): a round is missed at once, the other observers are asked at
// once, and 200 ms for a refutation are enough. A host says it a few times to each
// who sends, then once a second, so the word that any frame got counts until
// something of the member is heard, also before it is watched, and whatever the own
// health. Who hears of the death alone asks the member itself, and condemns it as
// soon if its host says the same. Such word can be forged by anybody on the way, so
// it takes a quorum too, and costs a probe if it is not so.
//
// With the LAN profile (period 200 ms, timeout 10 ms) the time to
// a quorum of 5 among 8 is the fifth of eight uniform phases plus three
// timeouts: 141 ms in the mean, 206 ms at the 99th percentile, at any size. Loss
// p makes a round fail with (1-(1-p)²)³: 9·10⁻⁴ at 5 %, and five of eight within
// one period with 56·(9·10⁻⁴)⁵ = 3·10⁻¹⁴, before the grace in which it would
// be refuted. A pause up to Grace never kills. What a stalled member says of its
// own health in its next answer is shown (Evidence.Theirs). Who follows in a pair looks
// a sixteenth of a period after the leader's probe is due, or when the leader asks for an
// answer again, so that all this takes as long in small clusters, where most are pairs.
//
// An observer's vote goes to the other observers, and each of them answers with
// its own stance. This is what a ping-req through others does in SWIM (Das,
// Gupta, Motivala 2002, §3.1): the other observers reach the member on other
// paths, so that one blocked path, in one or both directions, is one vote.
// Observers that are suspected themselves do not count, nor their votes. One
// that does not answer a doubting node for three periods does not count there
// either: so also a small island of nodes sees that the rest is gone.
//
// With one live observer left (a pair, or a node cut off from all others) there
// is no second opinion: the vote of one suspects, but only if no frame at all
// came from the member for two periods, and the grace is SoloGrace, which any
// frame of the member starts again. Such a suspicion is told to the suspect only: nobody
// else answers, and who hears of it does. A pair can't tell a cut of that length from
// a crash; nobody can. The caller may use a second route (a stream) and report
// its success with Heard.
//
// # When most die at once
//
// Most observers of the dead are then dead themselves, and a survivor watches a
// handful. A node that gets no answer from most of those whom it watches scouts
// all members, takes those that stay silent for no observers, and votes on them
// in the order of the ring (sparse.go). So 5 survivors of 205 suspect all others
// within 1 s, 5 of 1,005 within 3 s. The quorum, of those that answer, and the
// grace are as always; a node that is cut off has itself for a quorum, and
// SoloGrace.
//
// # Facts
//
// What is believed is (incarnation, status) for each member, merged by maximum:
// the higher incarnation wins, then the worse status (alive < suspect < dead <
// left). So all orders of the same news end alike. Only the member raises its
// incarnation, by one, when it hears of its suspicion or death; an observer's
// probe tells it at once. Dead is not the end, as in SWIM: the condemned comes
// back with a higher incarnation. Nobody goes from alive to dead in one step: a
// node that hears of a death before it heard of the suspicion gives a grace of
// its own. So two halves of a partition, each of which believes the other dead,
// heal without killing again; each member is suspected for a moment and refutes.
// Facts from a member that is itself condemned are not believed, nor accusations from
// one that is suspected, as often as it comes and goes, which makes a
// node that hears nobody and condemns everybody harmless.
//
// News is sent Lambda·⌈log2(n+1)⌉ times, least sent first, in bursts to Fanout
// random members and on every probe, answer and vote (SWIM §4.1). LivePrint is
// the fingerprint of all facts; where two nodes differ, a digest of 64 buckets
// finds what to send, so that a missed verdict is repaired.
//
// # Own health
//
// A counter from 0 to 8 (Lifeguard: Dadgar, Phillips, Currey 2017, §IV-A): up
// with the first miss of a member, with a suspicion of oneself, with each stall
// of the own loop; down with each answered round and each two quiet periods. It
// multiplies the timeouts, and from BarFrom on the node does not vote. After a
// stall (Tick comes LagMin late) nothing is judged until the mail that came
// meanwhile can have been read. A miss counts once for each silence, at most once
// a period, and not while others answer in time: else the survivors of a large
// failure would trust themselves least when they are needed most.
//
// # Doubts in vain
//
// A doubt costs some ten times what a round without one does. Where there is no room for
// that, the frames that get lost make others doubt, and so on for ever. So a node whose
// doubts prove vain, since who was silent is heard again, takes longer for its rounds,
// turns of scouting and bursts of news (wary.go): after the ninth in vain twice as long for each four
// more, 32 times at most; one is forgotten every two periods, and all that speak
// again within a quarter of a period are one. A cluster that has room for twice its
// usual traffic is at rest some ten seconds after what upset it. As long as that lasts a
// silent member is known later, by as much as the period is longer.
//
// # Coming back
//
// One random dead member is probed every ReviveMin to ReviveMax, a sixteenth of the time since the
// last death. The dead are buried after DeadAge, those that left after LeftAge; a grave keeps the
// origin out for GraveAge (names.Graves). As long as its place is not needed it is probed like the
// dead unless the member left, however long that is, and tells one that comes back that it needs a
// new generation (BuriedSelf). Of whom a member speaks that is not left to chance: it is probed at
// once, and not more often than each ReviveMin (Named).
//
// # Bad input
//
// A forged incarnation moves at most IncarnationStep ahead, else it is dropped;
// near the end of the range the node asks for a new generation (Exhausted). Votes
// and facts from strangers, about strangers, about oneself, of non-observers, for
// another incarnation or seen before are dropped and counted, each by its reason.
//
// # φ
//
// Phi is an accrual estimate of a member's silence (Hayashibara, Défago, Yared,
// Katayama 2004) for people to read. It decides nothing.
package member
