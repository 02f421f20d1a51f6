package deploy

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"github.com/quidnunc/quidnunc/tools/qn/internal/agent"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// scrape is what an agent prints.
func scrape(t *testing.T) map[string]bool {
	t.Helper()
	var o agent.Options
	fs := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	o.Flags(fs)
	if err := fs.Parse([]string{"--name", "a", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--resp", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--log-level", "error"}); err != nil {
		t.Fatal(err)
	}
	a, err := agent.Start(t.Context(), o, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var banner strings.Builder
	a.Banner(&banner)
	addr := regexp.MustCompile(`(?m)^http +(\S+)$`).FindStringSubmatch(banner.String())
	resp, err := http.Get("http://" + addr[1] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(quidnunc_[a-z_]+)[ {]`).FindAllStringSubmatch(string(text), -1) {
		names[m[1]] = true
	}
	return names
}

// Every metric that the dashboard and the rules ask for is one that an agent prints.
func TestQueriesAskForMetricsThatThereAre(t *testing.T) {
	known := scrape(t)
	var dashboard struct {
		UID    string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/quidnunc.json")), &dashboard); err != nil || dashboard.UID == "" {
		t.Fatal(err)
	}
	exprs := map[string]string{}
	for _, p := range dashboard.Panels {
		for _, x := range p.Targets {
			exprs[p.Title] += x.Expr + " "
		}
	}
	rules := regexp.MustCompile(`(?m)- alert: (\w+)\n +expr: (.*)$`).FindAllStringSubmatch(read(t, "prometheus/alerts.yaml"), -1)
	for _, r := range rules {
		exprs[r[1]] = r[2]
	}
	if len(dashboard.Panels) < 8 || len(rules) < 6 || len(exprs) != len(dashboard.Panels)+len(rules) {
		t.Errorf("%d panels, %d rules, %d queries", len(dashboard.Panels), len(rules), len(exprs))
	}
	for title, expr := range exprs {
		names := regexp.MustCompile(`quidnunc_[a-z_]+`).FindAllString(expr, -1)
		if len(names) == 0 || strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
			t.Errorf("%s: %s", title, expr)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s asks for %s, which no agent prints", title, name)
			}
		}
	}
}

// Settings in the manifests are settings of the agent.
func TestSettingsAreThoseOfTheAgent(t *testing.T) {
	var o agent.Options
	fs := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	o.Flags(fs)
	has := func(where, setting string) {
		t.Helper()
		if fs.Lookup(strings.ReplaceAll(strings.ToLower(setting), "_", "-")) == nil {
			t.Errorf("%s: there is no setting %s", where, setting)
		}
	}
	for _, m := range regexp.MustCompile(`QN_([A-Z_]+)`).FindAllStringSubmatch(read(t, "kubernetes/quidnunc.yaml"), -1) {
		has("kubernetes", m[1])
	}
	var settings map[string]any
	if _, err := toml.DecodeFile("systemd/agent.toml", &settings); err != nil {
		t.Fatal(err)
	}
	for key := range settings {
		has("systemd/agent.toml", key)
	}
	for _, m := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(read(t, "systemd/qn-agent.service"), -1) {
		has("systemd", m[1])
	}
}

// The container's program is static, runs as nobody, and keeps its health check, which the format
// of OCI would drop.
func TestContainerIsStaticUnprivilegedAndChecked(t *testing.T) {
	file := read(t, "container/Containerfile")
	_, last, _ := strings.Cut(file, "FROM scratch\n")
	for where, lines := range map[string][]string{
		file: {`# podman build --format docker .*`, `RUN CGO_ENABLED=0 go build .*`},
		last: {`COPY --from=build /qn /qn`, `USER [1-9]\d*:[1-9]\d*`, `HEALTHCHECK .* CMD \["/qn", "status"\]`, `ENTRYPOINT \["/qn"\]`},
	} {
		for _, line := range lines {
			if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(where) {
				t.Errorf("no line %s", line)
			}
		}
	}
}
