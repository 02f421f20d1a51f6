package engine

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/sched"
)

// TestEachFieldOfConfigGoesSomewhere: a number of Config that changes, changes what the core is told,
// under its name or where it is listed and nowhere else, and to that value; any other field is named
// with the test that holds what it does. A new field needs one of them.
func TestEachFieldOfConfigGoesSomewhere(t *testing.T) {
	tests := testsHere(t)
	told := func(c Config) map[string]int64 {
		e := &Engine{cfg: c, name: []byte(c.Name)}
		cc, all := e.coreConfig(), map[string]int64{}
		for _, l := range leaves("", reflect.ValueOf(&cc).Elem()) {
			all[l.name] = asInt(l.value)
		}
		return all
	}
	base := LAN().withDefaults()
	before := told(base)
	seen := map[string]bool{}
	for _, f := range fieldsOf("", reflect.TypeFor[Config](), nil) {
		seen[f.name] = true
		test, elsewhere := configTests[f.name]
		if elsewhere && !tests[test] {
			t.Errorf("%s: there is no test %s", f.name, test)
		}
		c := base
		v := reflect.ValueOf(&c).Elem().FieldByIndex(f.at)
		if !v.CanInt() && !v.CanUint() && v.Kind() != reflect.Bool {
			if !elsewhere {
				t.Errorf("%s has no test", f.name)
			}
			continue
		}
		add(v, 3)
		var moved []string
		after := told(c)
		for name, n := range after {
			if n != before[name] {
				moved = append(moved, name)
			}
		}
		slices.Sort(moved)
		want, ok := configPlaces[f.name]
		if rest, tune := strings.CutPrefix(f.name, "Tune."); !ok && tune {
			want = "Options." + rest
		} else if !ok {
			want = f.name
		}
		if want == "" && !elsewhere {
			t.Errorf("%s has no test", f.name)
		}
		if !slices.Equal(moved, strings.Fields(want)) {
			t.Errorf("%s moves %q, want %q", f.name, moved, want)
		}
		for _, name := range moved {
			want := asInt(v)
			if name == "Limits.State.Staged" { // with all that is accepted and waits
				want *= 5
			}
			if after[name] != want {
				t.Errorf("%s is %d, and %s %d", f.name, asInt(v), name, after[name])
			}
		}
	}
	for _, rows := range []map[string]string{configTests, configPlaces} {
		for name := range rows {
			if !seen[name] {
				t.Errorf("there is no field %s", name)
			}
		}
	}
}

// configPlaces are where numbers go that have another name with the core, more than one place, or
// none.
var configPlaces = map[string]string{
	"AuditInterval": "AuditEvery", "FrameBytes": "Frame", "ReceiveRate": "ReceiveMax", "RepairInterval": "RepairEvery",
	"StageBytes":     "Limits.State.Staged",
	"Limits.Origins": "Limits.Peers Limits.State.Origins",
	"Limits.Keys":    "Limits.State.Keys", "Limits.Tombstones": "Limits.State.Tombstones", "Limits.ValueBytes": "Limits.State.ValueBytes",
	"Limits.KeysPerOrigin": "Limits.State.KeysPerOrigin", "Limits.BytesPerOrigin": "Limits.State.BytesPerOrigin",
	"ClockOffsetMax": "", "Generation": "", "Disk.Every": "", "Disk.Sync": "", "Disk.KeepSecrets": "", "Insecure": "", "LeaveTimeout": "", "Fetch.OnRead": "",
	"Limits.ContentBytes": "", "Limits.LargeBytes": "", "Limits.Watchers": "",
	"Throttle": "", // moves Refuse where it is ThrottleRefuse: TestOverloadIsRefused
}

// configTests hold what the other fields do.
var configTests = map[string]string{
	"Name": "TestNameConflict", "Cluster": "TestIsolatedClusters", "Bind": "TestBehaviour27BothFamilies",
	"Advertise": "TestOthersAreToldWhatIsAdvertised", "Zone": "TestZoneAndTagsArriveEverywhere", "Tags": "TestZoneAndTagsArriveEverywhere",
	"Seeds": "TestSeedsAreTriedForEver", "Secrets": "TestKeysInTheConfiguration", "SecretFiles": "TestSecretFiles",
	"Insecure": "TestConfigErrorsNameFieldValueAndFix", "Signing": "TestMembersSign", "Weight": "TestWeightsAreOneTo255",
	"Throttle": "TestOverloadIsRefused", "LeaveTimeout": "TestBehaviour25LeaveIsBoundedAndIdempotent", "ClockOffsetMax": "TestHowFarAClockMayBeAhead",
	"Generation": "TestALifeIsAboveTheOneBefore",
	"Merge":      "TestMergeRules", "Disk.Path": "TestRestartHasItsKeys", "Disk.Sync": "TestACopiedDisk", "Disk.Every": "TestHowOftenADiskIsSynced",
	"Disk.KeepSecrets": "TestSecretsAreOnDiskOnRequestOnly", "Admit": "TestJoinSaysWhyItWasRefused", "Logger": "TestEventsAndLog", "OnEvent": "TestEventsAndLog",
	"Reactor": "TestReactorCloseEndsEngines", "Transport": "TestHowOftenADiskIsSynced", "Streams": "TestLargeValuesArriveWhole",
	"Fetch.OnRead": "TestLargeValuesOnRead", "Fetch.Prefixes": "TestLargeValuesOnRead", "Resolver": "TestBehaviour27NamesAreLookedUpAgain",
	"Limits.ContentBytes": "TestRoomForAContentIsMade", "Limits.LargeBytes": "TestLargeValuesAboveTheReadersLimit", "Limits.Watchers": "TestLimitsOfOneMember",
	"Tune.Compare": "TestPreciseCluster", "Trace": "TestATraceIsToldEachAdvance",
}

// TestALifeIsAboveTheOneBefore: a member begins above the generation that it is told of and above the
// clock, by less than 66 microseconds of it, and by another step with another salt.
func TestALifeIsAboveTheOneBefore(t *testing.T) {
	for _, c := range []struct{ told, wall, above uint64 }{{0, 1000, 1000}, {5000, 1000, 5000}, {1000, 5000, 5000}, {7, 0, 7}} {
		e := &Engine{cfg: Config{Generation: c.told}}
		one, other := [16]byte{}, [16]byte{255, 255}
		first, last := e.generation(sched.Wall(c.wall), &one), e.generation(sched.Wall(c.wall), &other)
		if first != c.above+1 || last != c.above+1<<16 {
			t.Errorf("told of %d, at %d: it begins with %d to %d", c.told, c.wall, first, last)
		}
	}
	if g := (&Engine{}).generation(-1, new([16]byte)); g != 1 {
		t.Errorf("before 1970 it begins with %d", g)
	}
}

// TestOthersAreToldWhatIsAdvertised: the address that a member declares is the one that it is told to,
// with the bound port where none is named; where nothing is said it is seen where it sends from.
func TestOthersAreToldWhatIsAdvertised(t *testing.T) {
	for _, text := range []string{"10.9.8.7:4321", "10.9.8.7", ""} {
		c := Local()
		c.Name, c.Advertise, c.LeaveTimeout = "one", text, -1
		e, err := Start(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		var says, want netip.AddrPort
		switch text {
		case "10.9.8.7:4321":
			want = netip.MustParseAddrPort(text)
		case "10.9.8.7":
			want = netip.AddrPortFrom(netip.MustParseAddr(text), e.Addr().Port())
		}
		e.ask(func(sched.Instant) { says = declare.Read(e.store, e.store.Owner(), 0).Addr })
		if e.Close(); says != want {
			t.Errorf("%q: it declares %v, want %v", text, says, want)
		}
	}
}

// TestWeightsAreOneTo255: the core is told the weight of each member by its name, within what there is.
func TestWeightsAreOneTo255(t *testing.T) {
	c := LAN()
	c.Weight = func(member string) int {
		return map[string]int{"none": 0, "less": -5, "some": 7, "most": 255, "more": 256}[member]
	}
	cc := (&Engine{cfg: c}).coreConfig()
	for name, want := range map[string]uint8{"none": 1, "less": 1, "some": 7, "most": 255, "more": 255} {
		if got := cc.Weight([]byte(name)); got != want {
			t.Errorf("%s weighs %d, want %d", name, got, want)
		}
	}
}

func asInt(v reflect.Value) int64 {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint())
	case v.Bool():
		return 1
	}
	return 0
}

type field struct {
	name string
	at   []int
}

// fieldsOf are the exported fields of a struct, and in the place of a struct its own.
func fieldsOf(name string, t reflect.Type, at []int) (all []field) {
	for i := range t.NumField() {
		f := t.Field(i)
		here := field{strings.TrimPrefix(name+"."+f.Name, "."), append(slices.Clone(at), i)}
		switch {
		case !f.IsExported():
		case f.Type.Kind() == reflect.Struct:
			all = append(all, fieldsOf(here.name, f.Type, here.at)...)
		default:
			all = append(all, here)
		}
	}
	return all
}

// testsHere are the tests of this package.
func testsHere(t *testing.T) map[string]bool {
	all, set := map[string]bool{}, token.NewFileSet()
	files, err := fs.Glob(os.DirFS("."), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				all[fn.Name.Name] = true
			}
		}
	}
	return all
}
