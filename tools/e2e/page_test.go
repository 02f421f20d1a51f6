package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// chromium opens the page of a demo in a browser.
func chromium(t *testing.T, url string) context.Context {
	t.Helper()
	bin := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			bin = path
			break
		}
	}
	if bin == "" {
		t.Skip("SKIPPED: no chromium on this machine: the page was not looked at")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(bin), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))
	ctx, end := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(end)
	ctx, end = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// holds waits until an expression of the page is true.
func holds(t *testing.T, ctx context.Context, js string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js, chromedp.WithPollingTimeout(30*time.Second))); err != nil {
		state, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("JSON.stringify({f: state && state.faults, n: state && state.nodes, d: state && state.dead, acted: window.acted})"))
		t.Fatalf("%s: %v; %s", js, err, state)
	}
}

func press(t *testing.T, ctx context.Context, id string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Click("#"+id)); err != nil {
		t.Fatal(err)
	}
	holds(t, ctx, fmt.Sprintf("window.acted && window.acted.name === %q && window.acted.ok", id))
}

// shoot keeps a picture of the page, where QN_SHOTS names a folder.
func shoot(t *testing.T, ctx context.Context, name string, width int64, scheme string) {
	t.Helper()
	dir := os.Getenv("QN_SHOTS")
	media := chromedp.Func(func(ctx context.Context, to *chromedp.Target) error {
		_, err := cdp.Call(ctx, to, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), media); err != nil {
		t.Fatal(err)
	}
	holds(t, ctx, "document.documentElement.scrollWidth <= innerWidth")
	if dir == "" {
		return
	}
	b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every button does what it says, and the pictures show it.
func TestThePage(t *testing.T) {
	demo := start(t, "demo", "--nodes", "12", "--listen", "127.0.0.1:0", "--rate", "40")
	ctx := chromium(t, demo.find(t, `look at (http://\S+)`))
	holds(t, ctx, "window.state && state.nodes.length === 12 && state.converged")
	holds(t, ctx, "state.beliefs.every((v) => v === 1)")
	holds(t, ctx, "document.querySelector('#times dd').textContent !== '–'")
	if drawn, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("probe('believes', 3, 7)[1] > 0")); err != nil || !drawn {
		t.Errorf("nothing is drawn: %v", err)
	}
	holds(t, ctx, "document.querySelectorAll('#path li').length === 12 && document.querySelector('#path li.first time').textContent === 'wrote'")
	holds(t, ctx, "document.querySelectorAll('#path li[title*=\" has it from \"]').length === 11")
	press(t, ctx, "write")
	press(t, ctx, "partition")
	holds(t, ctx, "state.faults.cut && state.knows[0 * 12 + 11] > 0 && state.knows[11 * 12 + 0] > 0 && state.knows[0 * 12 + 1] < 50")
	holds(t, ctx, "state.beliefs[0 * 12 + 11] >= 2 && state.beliefs[0 * 12 + 1] === 1")
	shoot(t, ctx, "cut-light-1280", 1280, "light")
	shoot(t, ctx, "cut-dark-1280", 1280, "dark")
	shoot(t, ctx, "cut-light-390", 390, "light")
	shoot(t, ctx, "cut-dark-390", 390, "dark")
	shoot(t, ctx, "cut-1280-again", 1280, "light")
	press(t, ctx, "heal")
	holds(t, ctx, "!state.faults.cut && state.beliefs.every((v) => v === 1) && state.knows.every((v) => v < 8)")
	press(t, ctx, "kill")
	holds(t, ctx, "state.nodes.filter((n) => n.state === 'killed').length === 1 && state.dead === 11")
	press(t, ctx, "revive")
	holds(t, ctx, "state.nodes.every((n) => n.state === 'up') && state.beliefs.every((v) => v === 1)")
	press(t, ctx, "loss")
	holds(t, ctx, "state.faults.loss > 0 && state.lost > 0")
	press(t, ctx, "delay")
	holds(t, ctx, "state.faults.delay_ms > 0")
	press(t, ctx, "oneway")
	holds(t, ctx, "state.faults.one_way.length === 1")
	press(t, ctx, "freeze")
	holds(t, ctx, "state.nodes.some((n) => n.state === 'frozen') && state.suspect + state.dead > 0")
	press(t, ctx, "overload")
	holds(t, ctx, "state.overloaded")
	press(t, ctx, "heal")
	holds(t, ctx, "!state.overloaded && state.nodes.every((n) => n.state === 'up') && state.beliefs.every((v) => v === 1)")
	holds(t, ctx, "document.querySelectorAll('#log li').length > 8")
	shoot(t, ctx, "after-light-1280", 1280, "light")
}

// hit presses a key of the keyboard and waits until the page has done what it stands for.
func hit(t *testing.T, ctx context.Context, key, act string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(key)); err != nil {
		t.Fatal(err)
	}
	holds(t, ctx, fmt.Sprintf("window.acted && window.acted.name === %q && window.acted.ok && !(window.acted = null)", act))
}

// Every key does what its button does, whatever was clicked before; the space bar pauses the page,
// and a key that is held counts once.
func TestThePageByKeys(t *testing.T) {
	demo := start(t, "demo", "--nodes", "8", "--listen", "127.0.0.1:0", "--rate", "20")
	ctx := chromium(t, demo.find(t, `look at (http://\S+)`))
	holds(t, ctx, "window.state && state.nodes.length === 8 && state.converged && document.querySelectorAll('#buttons kbd').length === 10")
	press(t, ctx, "write") // it has the focus now
	holds(t, ctx, "!(window.acted = null)")
	hit(t, ctx, "w", "write")
	hit(t, ctx, "p", "partition")
	holds(t, ctx, "state.faults.cut && state.beliefs[0 * 8 + 7] >= 2")
	hit(t, ctx, "h", "heal")
	holds(t, ctx, "!state.faults.cut && state.beliefs.every((v) => v === 1)")
	hit(t, ctx, "K", "kill") // with caps lock
	holds(t, ctx, "state.nodes.filter((n) => n.state === 'killed').length === 1 && state.dead === 7")
	hit(t, ctx, "r", "revive")
	holds(t, ctx, "state.nodes.every((n) => n.state === 'up') && state.beliefs.every((v) => v === 1)")
	hit(t, ctx, "l", "loss")
	holds(t, ctx, "state.faults.loss > 0")
	hit(t, ctx, "d", "delay")
	holds(t, ctx, "state.faults.delay_ms > 0")
	hit(t, ctx, "1", "oneway")
	holds(t, ctx, "state.faults.one_way.length === 1")
	hit(t, ctx, "f", "freeze")
	holds(t, ctx, "state.nodes.some((n) => n.state === 'frozen')")
	hit(t, ctx, "o", "overload")
	holds(t, ctx, "state.overloaded")
	hit(t, ctx, "h", "heal")
	holds(t, ctx, "!state.overloaded && state.faults.loss === 0 && state.nodes.every((n) => n.state === 'up')")

	if err := chromedp.Do(ctx, chromedp.KeyEvent(" ")); err != nil {
		t.Fatal(err)
	}
	holds(t, ctx, "paused && !window.acted") // the button that has the focus was not pressed
	holds(t, ctx, "(window.t0 ??= state.t) + 1 < state.t")
	if err := chromedp.Do(ctx, chromedp.KeyEvent(" ")); err != nil {
		t.Fatal(err)
	}
	holds(t, ctx, "!paused")
	const held = "for (const repeat of [false, true, true]) dispatchEvent(new KeyboardEvent('keydown', {key: 'k', repeat})); true"
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](held)); err != nil {
		t.Fatal(err)
	}
	holds(t, ctx, "window.acted && state.nodes.filter((n) => n.state === 'killed').length === 1 && (window.t1 ??= state.t) + 1 < state.t")
}
