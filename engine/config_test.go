package engine

import (
	"encoding"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/tune"
)

func TestConfigErrorsNameFieldValueAndFix(t *testing.T) {
	f := func(change func(*Config), field string, wants ...string) {
		t.Helper()
		c := Local()
		c.Name = "a"
		change(&c)
		err := c.Validate()
		if field == "" {
			if err != nil {
				t.Errorf("unexpected error: %v", err)
			}
			return
		}
		var ce *ConfigError
		if !errors.As(err, &ce) || ce.Field != field || !errors.Is(err, ErrConfig) {
			t.Errorf("got %v, want an error of field %s", err, field)
			return
		}
		for _, w := range append(wants, "engine: Config."+field+" ", ce.Value, "; ") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not contain %q", err, w)
			}
		}
	}
	f(func(c *Config) {}, "")
	f(func(c *Config) { c.Name = "" }, "Name", `"": is empty`)
	f(func(c *Config) { c.Name = strings.Repeat("x", 129) }, "Name", "129 bytes", "at most 128")
	f(func(c *Config) { c.Name = "a\nb" }, "Name", "control character")
	f(func(c *Config) { c.Name = "\xff" }, "Name", "UTF-8")
	f(func(c *Config) { c.Name = "höhle 7" }, "")
	f(func(c *Config) { c.Cluster = strings.Repeat("x", 200) }, "Cluster")

	f(func(c *Config) { c.Bind = "10.0.0.1:7946" }, "Bind",
		`engine: Config.Bind "10.0.0.1:7946": not a loopback address and no secret is set; set Secrets or SecretFiles`)
	f(func(c *Config) { c.Bind = ":7946" }, "Bind", "Insecure: true")
	f(func(c *Config) { c.Bind, c.Insecure = ":7946", true }, "")
	f(func(c *Config) { c.Bind = "localhost:0" }, "")
	f(func(c *Config) { c.Bind = "[::1]:0" }, "")
	f(func(c *Config) { c.Bind = "127.0.0.1" }, "Bind", "not host:port")
	f(func(c *Config) { c.Bind = "127.0.0.1:x" }, "Bind", `port "x"`)
	f(func(c *Config) { c.Bind = "127.0.0.1:65536" }, "Bind", `port "65536"`)
	f(func(c *Config) { c.Bind = "example.org:1" }, "Bind", "not an IP address")

	f(func(c *Config) { c.Advertise = "10.0.0.7" }, "")
	f(func(c *Config) { c.Advertise = "web.example:7946" }, "")
	f(func(c *Config) { c.Advertise = "0.0.0.0:1" }, "Advertise", "unspecified")
	f(func(c *Config) { c.Advertise = ":7" }, "Advertise", "no host")
	f(func(c *Config) { c.Advertise = "224.0.0.1:1" }, "Advertise", "of a group")
	f(func(c *Config) { c.Advertise = "255.255.255.255:1" }, "Advertise", "everybody")
	f(func(c *Config) { c.Seeds = []string{"a:1", "b:http"} }, "Seeds[1]", `port "http"`)

	f(func(c *Config) { c.Zone = strings.Repeat("x", 65) }, "Zone", "65 bytes", "at most 64")
	f(func(c *Config) { c.Zone = "a\n" }, "Zone", "control character")
	f(func(c *Config) { c.Tags = map[string]string{"a": strings.Repeat("x", 513)} }, `Tags["a"]`, "513", "at most 512")
	f(func(c *Config) { c.Detector.Period = time.Millisecond }, "Detector.Period", "1ms", "10ms to 1m0s")
	f(func(c *Config) { c.Detector.TimeoutMin = time.Second }, "Detector.TimeoutMin", "1s")
	f(func(c *Config) { c.Detector.Grace = time.Nanosecond }, "Detector.Grace")
	f(func(c *Config) { c.Detector.SoloGrace = time.Millisecond }, "Detector.SoloGrace", "1ms")
	f(func(c *Config) { c.Detector.Fanout = 17 }, "Detector.Fanout", "17", "1 to 16")
	f(func(c *Config) { c.Detector.BarFrom = 9 }, "Detector.BarFrom", "1 to 8")
	f(func(c *Config) { c.Detector.LeftAge = time.Millisecond }, "Detector.LeftAge")
	f(func(c *Config) { c.Detector.GraveAge = time.Second }, "Detector.GraveAge")

	f(func(c *Config) { c.Tune.Mode = 3 }, "Tune.Mode", "Mode(3)", "use push-pull, push or pull")
	f(func(c *Config) { c.Tune.Order = 9 }, "Tune.Order")
	f(func(c *Config) { c.Interval = time.Microsecond }, "Interval", "1µs", "1ms to 1m0s")
	f(func(c *Config) { c.Tune.Fanout = 65 }, "Tune.Fanout", "65", "0 to 64")
	f(func(c *Config) { c.FrameBytes = 1199 }, "FrameBytes", "1199", "1200 to 1472")
	f(func(c *Config) { c.StageBytes = 1 }, "StageBytes")
	f(func(c *Config) { c.ClockOffsetMax = time.Microsecond }, "ClockOffsetMax")
	f(func(c *Config) { c.Limits.Origins = 1 }, "Limits.Origins")
	f(func(c *Config) { c.Limits.Keys = -1 }, "Limits.Keys")
	f(func(c *Config) { c.Limits.ValueBytes = 1 }, "Limits.ValueBytes")
}

func TestConfigErrorsAreAllReported(t *testing.T) {
	err := Config{Bind: "x", Tune: tune.Options{Fanout: -1}}.Validate()
	for _, field := range []string{"Name", "Bind", "Tune.Fanout"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestProfilesAreValid(t *testing.T) {
	for name, c := range map[string]Config{"LAN": LAN(), "WAN": WAN(), "Local": Local()} {
		c.Name, c.Insecure = "a", true
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// names holds that each value up to last has a text of its own, which is read
// back, and that the next one has none.
func names[E interface {
	~uint8
	String() string
	MarshalText() ([]byte, error)
}](t *testing.T, first, last E, parse func(string) (E, error)) {
	t.Helper()
	for e := first; e <= last; e++ {
		var back E
		text, err := e.MarshalText()
		if err == nil {
			err = any(&back).(encoding.TextUnmarshaler).UnmarshalText(text)
		}
		if got, bad := parse(e.String()); got != e || err != nil || bad != nil || back != e || string(text) != e.String() {
			t.Errorf("%q of %d is read as %d and %d: %v, %v", text, e, back, got, err, bad)
		}
	}
	if text, err := (last + 1).MarshalText(); err == nil {
		t.Errorf("%d is written as %q", last+1, text)
	}
	if _, err := parse(""); err == nil {
		t.Errorf("%T is read from nothing", last)
	}
}

// TestEnumerationsAreTexts: in JSON, in flags, and back.
func TestEnumerationsAreTexts(t *testing.T) {
	names(t, 0, tune.ModePull, tune.ParseMode)
	names(t, 0, tune.OrderPreciseOwn, tune.ParseOrder)
	names(t, 0, tune.SpreadDelegated, tune.ParseSpread)
	names(t, 0, tune.DiffRanges, tune.ParseDiff)
	names(t, 0, tune.FlowOff, tune.ParseFlow)
	names(t, 0, tune.ShapePushPull, tune.ParseShape)
	names(t, 0, tune.LossMedian, tune.ParseLoss)
	names(t, 0, ThrottleRefuse, ParseThrottle)
	names(t, 0, SyncEach, ParseSync)
	names(t, 0, StateUnknown, ParseMemberState)
	names(t, EventJoined, EventResync, ParseEventKind)
}

// Every field of a profile of engine/member is one of Detector, and a zero
// Detector is that of LAN.
func TestDetectorConfig(t *testing.T) {
	for _, m := range []member.Config{member.LAN(), member.WAN(), member.Local()} {
		if got := detectorOf(m).config(); got != m {
			t.Errorf("there and back: %+v, want %+v", got, m)
		}
	}
	if got := (Detector{}).withDefaults(LAN().Detector).config(); got != member.LAN() {
		t.Errorf("the default is %+v", got)
	}
	if got := (Config{Detector: Detector{Grace: time.Minute}}).withDefaults().Detector; got.Grace != time.Minute || got.Period != 200*time.Millisecond {
		t.Errorf("%+v", got)
	}
}

// TestConfigAtItsExtremes: a number of the configuration is refused by name, or
// the member starts with it. Nothing in between: no panic, no surprise later.
func TestConfigAtItsExtremes(t *testing.T) {
	base := Local()
	base.Name, base.LeaveTimeout = "a", -1
	n := 0
	for _, path := range numbers(reflect.TypeFor[Config](), nil) {
		typ := reflect.TypeFor[Config]().FieldByIndex(path).Type
		for _, x := range extremes(typ) {
			c := base
			reflect.ValueOf(&c).Elem().FieldByIndex(path).Set(x)
			name := reflect.TypeFor[Config]().FieldByIndex(path[:1]).Name
			if err := c.Validate(); err != nil {
				var ce *ConfigError
				if !errors.As(err, &ce) || !strings.Contains(err.Error(), "Config."+name) || ce.Fix == "" {
					t.Errorf("%s = %v: %v", name, x, err)
				}
				continue
			}
			e, err := Start(t.Context(), c)
			if err != nil {
				t.Errorf("%v = %v passes Validate, Start says %v", typ, x, err)
				continue
			}
			e.Close()
			n++
		}
	}
	if n < 20 {
		t.Errorf("only %d of the extremes were started", n)
	}
}

// numbers are the paths of all numeric fields of a struct.
func numbers(t reflect.Type, at []int) (paths [][]int) {
	for i := range t.NumField() {
		f, path := t.Field(i), append(slices.Clone(at), i)
		switch {
		case !f.IsExported():
		case f.Type.Kind() == reflect.Struct:
			paths = append(paths, numbers(f.Type, path)...)
		case f.Type.Kind() >= reflect.Int && f.Type.Kind() <= reflect.Float64:
			paths = append(paths, path)
		}
	}
	return paths
}

// extremes are the least and the greatest value of a type, and what is beside 0.
func extremes(t reflect.Type) (out []reflect.Value) {
	value := func(x uint64) {
		v := reflect.New(t).Elem()
		if v.CanInt() {
			v.SetInt(int64(x))
		} else {
			v.SetUint(x)
		}
		out = append(out, v)
	}
	most := ^uint64(0) >> (64 - t.Bits())
	value(0)
	value(1)
	value(most)     // of a signed one: -1
	value(most / 2) // of a signed one: the greatest
	if value(most/2 + 1); out[len(out)-1].CanInt() {
		out[len(out)-1].SetInt(-int64(most/2) - 1)
	}
	return out
}

func TestNamesThatShowAsSomethingElse(t *testing.T) {
	for _, name := range []string{"a\u202eb", "a\u2028b", "a\u2029b", "a\u0085b", "\u200b", "a\u2066b", "\ufeffa", "a\x7f", "a\u00a0b"} {
		c := Local()
		c.Name = "a"
		for field, p := range map[string]*string{"Name": &c.Name, "Cluster": &c.Cluster, "Zone": &c.Zone} {
			old := *p
			*p = name
			var ce *ConfigError
			if err := c.Validate(); !errors.As(err, &ce) || ce.Field != field || ce.Fix == "" {
				t.Errorf("%s %q: %v", field, name, err)
			}
			*p = old
		}
		c.Tags = map[string]string{name: "x"}
		if err := c.Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("tag %q: %v", name, err)
		}
		if label([]byte(name), ZoneBytesMax) != "" {
			t.Errorf("zone %q of another member is shown", name)
		}
	}
}
