package timeline

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/fuzz/sim"
)

// TestThePageKnowsAllBeliefs: each letter of a picture has a name and colours.
func TestThePageKnowsAllBeliefs(t *testing.T) {
	_, table, _ := strings.Cut(script, "const states = {")
	table, _, _ = strings.Cut(table, "};")
	for _, letter := range sim.Beliefs {
		if !regexp.MustCompile(`(^|[\s,])"?` + regexp.QuoteMeta(string(letter)) + `"?: \["`).MatchString(table) {
			t.Errorf("the page has no name for %q", letter)
		}
	}
}

// TestThePageHasTheFilm: what was filmed can be read back from the page, whatever
// bytes it has, and the page asks nobody for anything.
func TestThePageHasTheFilm(t *testing.T) {
	film, _ := sim.Shoot(sim.NewPlan(0xb))
	film.Broken = &sim.FilmFailure{At: 7, Law: "prefix", Text: "</script><b>bad</b>"}
	var b strings.Builder
	p := Page{Replay: "p6.s9", Plan: "a <plan>", Outcome: "prefix: </p><script>alert(1)</script>", Film: film}
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if n := strings.Count(text, "<script>"); n != 2 {
		t.Errorf("%d scripts, want the film and what shows it", n)
	}
	if strings.Contains(text, "alert(1)</script>") || !strings.Contains(text, "a &lt;plan&gt;") {
		t.Error("texts are not escaped")
	}
	if outside := regexp.MustCompile(`(?i)(src|href)\s*=|https?://|@import|url\(|fetch\(`).FindString(text); outside != "" {
		t.Errorf("the page asks for something outside of it: %s", outside)
	}
	_, rest, _ := strings.Cut(text, "const film = ")
	raw, _, ok := strings.Cut(rest, ";</script>")
	var got sim.Film
	if err := json.Unmarshal([]byte(raw), &got); !ok || err != nil {
		t.Fatal(err)
	}
	if len(got.Frames) != len(film.Frames) || len(got.Pictures) != len(film.Pictures) || got.Broken.Text != film.Broken.Text {
		t.Errorf("%d frames of %d, %d pictures of %d, %q", len(got.Frames), len(film.Frames), len(got.Pictures), len(film.Pictures), got.Broken.Text)
	}
}
