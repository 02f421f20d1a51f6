// Package timeline writes a run of the simulator as one page: nodes as lanes, frames
// as lines between them, harm as bars, and what everybody believed at the moment
// under the cursor. The page needs no network and no other file.
package timeline

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"

	"github.com/quidnunc/quidnunc/fuzz/sim"
)

// Page is what is shown.
type Page struct {
	Replay  string    // the word that repeats the run
	Plan    string    // what was to happen, a line each
	Outcome string    // in one line
	Film    *sim.Film // what happened
}

var (
	//go:embed page.html
	source string
	//go:embed page.js
	script string
	//go:embed page.css
	style string

	page = template.Must(template.New("page").Parse(source))
)

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	film, err := json.Marshal(p.Film)
	if err != nil {
		return err
	}
	return page.Execute(w, map[string]any{
		"Replay": p.Replay, "Plan": p.Plan, "Outcome": p.Outcome, "Broken": p.Film.Broken != nil,
		"Film": template.JS(film), "Script": template.JS(script), "Style": template.CSS(style), // our own: nothing here comes from elsewhere
	})
}
