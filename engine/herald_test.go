package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// TestLogLinesOfOneKindAreLimited: however often something happens, and whatever
// its level, the log stays short, and says how much it left out.
func TestLogLinesOfOneKindAreLimited(t *testing.T) {
	f := func(level slog.Level, most int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			const happened, span = 10_000, time.Minute
			var out bytes.Buffer
			h := &herald{e: &Engine{cfg: Config{Logger: slog.New(slog.NewTextHandler(&out, nil))}}, quiet: map[string]*quiet{}}
			for i := range happened {
				h.log(&notice{text: "member joined", level: level, args: []any{"n", i}})
				<-time.After(span / happened)
			}
			<-time.After(logEvery)
			h.log(&notice{text: "member joined", level: level})
			h.log(&notice{text: "member left", level: level})
			lines, skipped := strings.Split(strings.TrimSpace(out.String()), "\n"), 0
			for _, line := range lines {
				var n int
				if _, said, ok := strings.Cut(line, "skipped="); ok {
					if _, err := fmt.Sscan(said, &n); err != nil {
						t.Error(err)
					}
				}
				skipped += n
			}
			if want := most*int(span/logEvery) + 2; len(lines) != want || len(lines)+skipped != happened+2 {
				t.Errorf("%v: %d lines, want %d; %d said to be left out of %d", level, len(lines), want, skipped, happened)
			}
		})
	}
	f(slog.LevelWarn, logWarnings)
	f(slog.LevelInfo, logInfos)
}

// TestLogTellsReporterFromSubject: who reports is the member, whom it is about the peer; a death
// wants a look.
func TestLogTellsReporterFromSubject(t *testing.T) {
	var out bytes.Buffer
	h := &herald{e: &Engine{cfg: Config{Name: "web-1", Logger: slog.New(slog.NewTextHandler(&out, nil))}}, quiet: map[string]*quiet{}}
	f := func(kind EventKind, level string) {
		t.Helper()
		out.Reset()
		h.deliver(&notice{event: Event{Kind: kind, Member: Member{Name: "web-2", By: "web-3", State: StateDead}}})
		for _, want := range []string{"level=" + level + " ", "msg=" + kind.String() + " ", "member=web-1 ", "peer=web-2 ", "by=web-3"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q does not say %s", out.String(), want)
			}
		}
	}
	for range 3 { // members die together: each is told
		f(EventDead, "WARN")
	}
	f(EventSuspected, "INFO")
}

// TestWhoIsOnlyNamedIsUnknown: a member is alive once it has answered, not because
// another one speaks of it.
func TestWhoIsOnlyNamedIsUnknown(t *testing.T) {
	c := Local()
	c.Name = "n"
	e, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	f := func(p core.Peer, want MemberState) {
		t.Helper()
		var got MemberState
		if e.ask(func(sched.Instant) { got = e.stateOf(1, &p) }); got != want {
			t.Errorf("%+v is %v, want %v", p, got, want)
		}
	}
	f(core.Peer{}, StateUnknown)
	f(core.Peer{Proven: true}, StateAlive)
	f(core.Peer{Proven: true, Quiet: true}, StateSuspect)
	f(core.Peer{Left: true}, StateLeft)
}
