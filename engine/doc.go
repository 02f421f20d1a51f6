// Package engine is Quidnunc for embedding: a program starts a member, joins a
// cluster, writes its own keys, and reads what every other member says of
// itself from a local replica.
//
//	eng, err := engine.Start(ctx, engine.Config{Name: "web-1", Bind: ":7946", Insecure: true})
//	n, err := eng.Join(ctx, "10.0.0.7:7946", "dns+srv://_gossip._udp.web")
//	ver, err := eng.Set("addr", []byte("10.0.0.12:8080"))
//	val, meta, ok := eng.AppendGet(buf[:0], "web-2", "addr")
//	for m := range eng.Members() { ... }
//	for u, err := range eng.Watch(ctx, "addr") { ... }
//	err = eng.WaitVersion(ctx, ver)
//	err = eng.Close()
//
// With a secret (qn keys gen makes one) all traffic is sealed:
//
//	eng, err := engine.Start(ctx, engine.Config{Name: "web-1", Bind: ":7946", SecretFiles: []string{"cluster.key"}})
//
// # Model
//
// A member alone writes its keys; every other member holds a replica of them.
// Each write of a member takes the next number of one counter: its [Version].
// Replicas learn a member's writes in that order, so who has version 7 of a
// member has everything it wrote before, except what was overwritten since.
//
// # What happens where
//
// One goroutine, the [Reactor], runs the protocol of any number of engines; a
// process has as many of them as processors, if it has as many engines. Set, SetTTL and Delete check limits, take the version and leave
// the write in a stage; they never wait for the loop, and a full stage is
// [ErrBackpressure]. AppendGet reads without the loop, and so does Members while
// its snapshot is fresh. GetFresh asks the writer first, for a round trip. Calls
// that need an answer from the loop (Join, Leave, Stats, Ping, Explain, WaitVersion,
// WaitConverged, the start of Range over the own keys) take a turn of it, microseconds.
//
// Config.OnEvent and Config.Logger run on a goroutine of their own for each
// engine, in the order of events; they may call any method, Close too. What the loop
// asks while it runs must return at once and call nothing of the engine: Config.Admit,
// Weight, Trace, the Compare of Tune and those of Merge.
//
// # Membership
//
// What a member says of itself (that it leaves, its address, zone and tags) is
// part of its state, which only it writes. What others observe of it is kept
// apart and never enters anybody's state: package engine/member says how, and
// [Engine.Explain] shows it for one member. Seeds are tried for ever, halves of
// a partition find each other again, and a member that left or died is
// forgotten in time and can't come back but as a new life.
//
// These are the behaviours that people have learned to expect of a membership
// engine, most of them from defects, and where each is tested:
//
//	 1  a suspect that lives refutes            core.TestBehaviour01RefutationRaisesTheIncarnation
//	 2  stale claims move nothing               core.TestBehaviour02StaleClaimsAreIgnored core.TestBehaviour02DeathAtAHighIncarnationIsNotUndone
//	 3  extreme incarnations evict nobody       core.TestBehaviour03ExtremeIncarnationsEvictNobody core.TestBehaviour03ExhaustedIncarnationIsANewGeneration
//	 4  one change of tags is one event         engine.TestBehaviour04OneUpdateEventForOneChange
//	 5  a name conflict is told on both sides   core.TestBehaviour05NameConflictIsToldOnBothSides engine.TestBehaviour05ConflictIsToldOnBothSides
//	 6  a name is reclaimed from a new address  core.TestBehaviour06NameIsReclaimedFromANewAddress
//	 7  restarts, also of nearly all at once    core.TestBehaviour07MassRestart
//	 8  who left is reaped                      core.TestBehaviour08LeftMembersAreReaped
//	 9  repair does not raise the dead          core.TestBehaviour09AntiEntropyDoesNotRaiseTheDead
//	10  frames stay below the MTU, and converge core.TestLawFramesStayBelowTheLimit
//	11  deletes, rewrites, keys of the dead     core.TestBehaviour11KeysOfTheDeadReachANewcomer core.TestBehaviour11SameValueIsANewVersion engine.TestTTL
//	12  what is too large is refused at once    engine.TestBehaviour12OversizeIsRefusedAtOnce
//	13  truncated and overlong frames           core.TestBehaviour13TruncatedAndOverlongFramesAreRefused attack.TestTruncatedAndDamagedFrames
//	14  nothing grows beyond the datagram       core.TestBehaviour14NothingGrowsBeyondTheDatagram
//	15  frames under other keys                 core.TestBehaviour15FramesUnderOtherKeysAreDropped attack.TestWrongAndRotatedOutKeys
//	16  keys are replaced under load            core.TestKeysAreTurnedWithoutLoss engine.TestKeysAreReplacedUnderLoad
//	17  two clusters never merge                core.TestBehaviour17ClustersNeverMerge
//	18  corruption is dropped and counted       core.TestBehaviour18CorruptionIsDroppedAndCounted
//	19  a probe for another is not answered     core.TestBehaviour19ProbeForAnotherIsNotAnswered
//	20  indirect reachability; unasked answers  core.TestBehaviour20OneBadPathCondemnsNobody core.TestBehaviour20UnsolicitedVotesAndAnswersCountForNothing
//	21  another route rescues                   core.TestBehaviour21AnotherRouteRescues
//	22  a suspect learns it from the probe      core.TestBehaviour22SuspectLearnsItFromTheProbe
//	23  the suspicion timer                     core.TestBehaviour23SuspicionTimer core.TestBehaviour23RefutedSuspicionDoesNotKill
//	24  a slow node mistrusts itself            core.TestBehaviour24SlowNodeMistrustsItself core.TestBehaviour24PauseKillsNobody
//	25  leaving                                 core.TestBehaviour25LeavingNodeDoesNotRefute engine.TestBehaviour25LeaveIsBoundedAndIdempotent engine.TestBehaviour25LeaveIsToldAgain
//	26  joining by many seeds                   engine.TestBehaviour26JoinAsksAllSeedsAtOnce
//	27  names, records and address families     engine.TestBehaviour27NamesAreLookedUpAgain engine.TestBehaviour27BothFamilies
//	28  partitions heal                         core.TestBehaviour28PartitionsHeal core.TestBehaviour28HalvesThatBuriedEachOtherMerge core.TestBehaviour28IslandFindsTheRest core.TestCutsOfAnyLengthHeal
//	29  overload is honest                      core.TestBehaviour29ProbesAreAnsweredFirst core.TestBehaviour29StoppedNodeDoesNotStallTheOthers engine.TestBehaviour29SlowSubscriberHoldsNobodyUp
//	30  the calls are safe                      engine.TestBehaviour30APIIsSafe
//
// Indirect probes are the other observers, who vote (20). There is no second
// transport for probes: where one observer is left, any frame of a member, by
// whatever path, keeps it alive (21).
//
// # Errors
//
// Sentinels for errors.Is: [ErrClosed], [ErrBackpressure], [ErrTooLarge],
// [ErrFull], [ErrNameConflict] and the others; [ConfigError], [SizeError] and
// [JoinError] carry what is needed to act. After Close every call that can
// fail gives ErrClosed, reads find nothing, iterators end.
//
// # Trust
//
// With Config.Secrets all traffic is sealed with AES-GCM under keys that come from
// the secret, the cluster's name and 16 random bytes of each start, with a
// counter as nonce; frames are bound to the start of their receiver (package
// codec/seal). Without secrets a member listens on loopback only, unless
// Config.Insecure says otherwise.
//
// Outsiders, who hold no secret, can read nothing but sizes, times, addresses and the
// headers (which cluster, which member in a number, how much was received), and
// say nothing: what they make up, change, repeat, send to another member or to
// a later life of one, or bring from another cluster, is dropped and counted.
// They can drop and delay datagrams and cut members off from each other; make a
// member open one datagram for each that they send, which costs no more than one
// that is taken; and have a member send at most three times the bytes that they
// send it to an address that they forge. A recorded frame is good for one
// delivery at most: to the member and the life that it was sealed for, while its
// counter is fresh. A recorded greeting opens as long as the secret is in use, and
// gets an answer that they can't read: nothing is derived, kept or told because of
// it. What is dropped costs no memory and makes no member send less to another.
//
// There is no forward secrecy: whoever gets the secret reads what they recorded
// while it was in use.
//
// Insiders, who hold a secret, can speak as any member: write what others did not write,
// bring members under suspicion, take names by saying that they began earlier, and fill
// what Config.Limits allow, which are there for them. When they stop, members find
// back to each other and to what their owners wrote: what an insider writes under another
// member's name is found by that one's next checkpoint, within half a second of its last
// write where frames arrive, replaced by what the owner holds, and whoever brought it is
// named ([EventContradicted], package checkpoint). Who says that a member collected deletes
// which it did not is found when that one takes a new life because of it, and named then, but
// not in precise clusters, where nobody says that nothing was collected. The address and the life of a member
// that answers where it is known are not for others to take: it is challenged first. A
// name that an insider took so is its owner's again seconds after they are gone. Until
// then readers may see what was forged.
//
// With Config.Signing members sign what they wrote, under keys of their own: what stays
// without that is found within five seconds of the liar's end, told, and replaced, too: an
// entry with the same sum as the owner's, which those can make up who know what it will
// write, and what is said in frames that bear the owner's own name and start, which others
// can't tell from the owner's. A signature under another key than the one that is known as
// the member's is told as [EventUnsigned]. Without it, these stay until the owner writes on.
//
// These things stay with it: what members that do not sign, or do not verify, are told; a log that
// never rests for as long as a question and its answer take, half a second and a round trip, until
// it does; an old state of a member, whole and as it was, for who is cut off from it; the key of a
// liar, for those who met the liar before the owner, if Signing.Keys does not name the owner's;
// large values are bound by their SHA-256, and shared keys by who won, not by who may write them:
// every member may. And whatever is signed, a name that was taken by a generation of the next year
// stays, for those who believed it. So give the secret only to those whom you trust with the state,
// and replace it (see [Engine.Secrets]) when one of them is not to have it any more.
//
// In clear, everybody whose datagrams arrive and who can read the answers is an
// insider. Cookies and challenges still keep those out who can't read them.
//
// Not planned: to hide who talks to whom, and secrets between
// members of one cluster.
//
// Not covered: the memory of the process. Secrets are erased after use where Go
// lets us, cipher objects of the standard library can't be. A copy of a running
// virtual machine holds the salt: restart the copy. Until then the copy is told
// that the other one has its name ([EventNameConflict], [ErrNameConflict]), and
// writes nothing that others take.
//
// # Upgrades
//
// Replace members one after the other: those of neighbouring versions live together. Each
// says which versions of the format it speaks, and which kinds of entries it knows. Whoever
// speaks none in common is told which are spoken (ErrVersion). What some members could not
// read is refused with an [UpgradeError] that names them, until all are upgraded; from the
// first such write on nobody is asked any more: an older member that comes then keeps what it
// can't read, passes it on and shows nothing of it.
//
// # Large values
//
// With Config.Streams (package batch/stream) a value may have up to
// Limits.LargeBytes. What spreads in the log is a reference, by length and
// SHA-256; the content is fetched from its author or any other member that has
// it, checked, kept once whoever refers to it, and becomes visible whole. A
// reader sees the newest complete value of a key, and Meta.Newer says that
// another is on its way: also where a large value replaces a small one, and where it is
// longer than this member takes, or where this one has no streams. WaitVersion waits for contents too, where they are fetched
// before they are read. [Engine.Large] counts. A member that lacks
// much where datagrams are slow is brought level over the same streams, from up
// to four members at a time.
//
// # Keys with many writers
//
// [Engine.Shared] is a map that any member may write, beside the keys of each
// member: package share says by which rules one write wins. A write is an entry of
// its writer's own log with a stamp of a hybrid logical clock, so it spreads, is
// repaired and is waited for as any other; every member decides alike what a key
// holds. It is no consensus. When a member leaves, dies or comes back with nothing,
// the others keep what it has won until one of them, chosen by the key, has taken it
// over; what has lost is withdrawn once every live member holds the winner. A stamp
// more than Config.ClockOffsetMax ahead waits until its time has come, and a member
// whose own clock can't be right is told so by a [ClockError].
//
// # Disk
//
// With Config.Disk a member has its state again after a restart: [Disk] says what, and
// when it goes on under its generation; package engine/disk says how. Shared keys are said
// again once this member holds what another one does, or nobody answers for 30 s, and
// are dropped if it was away for longer than Detector.GraveAge: by then a delete may have
// been forgotten.
//
// # Limits
//
// Key and value of an entry have at most [EntryBytesMax] bytes together, unless
// there are streams: an entry travels whole in one datagram on any network. Config.Limits bound the
// memory of a replica, and Config.StageBytes the writes in flight;
// Limits.Footprint adds up what that comes to. A member that others introduce is
// a candidate until it answers; a quarter of Limits.Origins is kept for those
// that do. [Engine.Rejects] shows whose datagrams are turned away, and why.
package engine
