package layers

// rule says what one package may do. Paths are relative to the module; a path
// that ends in /... stands for itself and all below it.
type rule struct {
	pure    bool     // bytes and arithmetic only; see doc.go
	project []string // packages of this module that it may import
	std     []string // standard packages beyond pureStd; impure packages may import all but unsafe
	modules []string // third-party modules that it may import; "..." stands for all of go.mod
	unsafe  bool     // may import unsafe
}

// pureStd is what every pure package may import from the standard library.
var pureStd = []string{
	"bytes", "cmp", "encoding/binary", "errors", "hash/crc32", "math/bits", "net/netip", "slices", "strconv",
}

const (
	gnet      = "github.com/panjf2000/gnet/v2"
	klauspost = "github.com/klauspost/compress"
	goFarm    = "github.com/dgryski/go-farm"
	xsys      = "golang.org/x/sys"
)

// leaf is the row of a pure leaf under engine: it knows the codec and what it names.
func leaf(more ...string) rule { return rule{pure: true, project: plus([]string{"codec"}, more...)} }

// rules has one row for each package, lowest layer first. An exact row goes
// before one that ends in /... .
var rules = map[string]rule{
	"codec":      {pure: true, std: []string{"unicode/utf8"}},
	"codec/seal": {pure: true, project: []string{"codec"}, std: []string{"crypto/aes", "crypto/cipher", "crypto/hkdf", "crypto/sha256"}},
	"sched":      {pure: true},
	"ring":       {pure: true, std: []string{"sync/atomic"}},

	"engine/enum":      {pure: true, std: []string{"strings"}},
	"engine/tune":      leaf("engine/enum"),
	"engine/state":     {pure: true, project: []string{"codec"}, std: []string{"sync/atomic"}, modules: []string{goFarm}},
	"engine/reconcile": leaf("engine/tune", "sched", "engine/state", "engine/due"),
	"engine/outbox":    {pure: true, project: []string{"ring", "engine/state"}},
	"engine/settle":    {pure: true, project: []string{"sched", "engine/state", "engine/link"}},
	"engine/rumor":     leaf("engine/tune", "sched", "engine/due", "engine/state", "engine/reconcile"),
	"engine/sketch":    leaf(),
	"engine/compare":   leaf("engine/tune", "sched", "engine/due", "engine/state", "engine/reconcile", "engine/sketch"),
	"engine/precise":   leaf("engine/tune", "sched", "engine/due", "engine/state", "engine/reconcile"),
	"engine/walk":      leaf("sched", "engine/due", "engine/state", "engine/reconcile", "engine/compare"),
	"engine/interval":  leaf("sched", "engine/state", "engine/reconcile", "engine/due", "engine/grace"),
	"engine/events":    leaf("engine/due", "engine/reconcile", "engine/state"),
	"engine/declare":   leaf("engine/state"),
	"engine/grace":     {pure: true, project: []string{"sched"}},
	"engine/link":      {pure: true, project: []string{"engine/active", "sched"}},
	"engine/mail":      leaf("engine/tune", "sched", "engine/delegate", "engine/due", "engine/link", "engine/reconcile", "engine/roster", "engine/settle", "engine/state"),
	"engine/gaps":      leaf("sched", "engine/active", "engine/due", "engine/link", "engine/reconcile", "engine/state"),
	"engine/delegate":  leaf("sched", "engine/due", "engine/link", "engine/reconcile", "engine/roster", "engine/settle", "engine/state"),
	"engine/due":       {pure: true, project: []string{"sched"}},
	"engine/flow":      leaf("engine/tune", "sched", "engine/active", "engine/state", "engine/due"),
	"engine/door":      leaf("sched", "engine/state"),
	"engine/names":     leaf("sched"),
	"engine/roster":    leaf("sched"),
	"engine/active":    {pure: true, project: []string{"sched"}},
	"engine/protect":   leaf("codec/seal", "engine/active", "engine/door", "sched"),
	"engine/member":    leaf("sched", "engine/names"),
	"engine/bulk":      leaf("engine/tune", "sched", "engine/state", "engine/reconcile"),
	"engine/content":   {pure: true, project: []string{"sched"}},
	"engine/share":     {pure: true, project: []string{"codec", "sched", "engine/state"}, std: []string{"crypto/sha256", "sync/atomic"}},
	"engine/core": {pure: true, project: []string{
		"codec", "codec/seal", "sched",
		"engine/state",
		"engine/checkpoint",
		"engine/compare",
		"engine/declare",
		"engine/delegate",
		"engine/door",
		"engine/due",
		"engine/events",
		"engine/protect",
		"engine/flow",
		"engine/gaps",
		"engine/interval",
		"engine/link",
		"engine/mail",
		"engine/member",
		"engine/names",
		"engine/outbox",
		"engine/precise",
		"engine/reconcile",
		"engine/roster",
		"engine/rumor",
		"engine/settle",
		"engine/tune",
		"engine/walk",
	}},

	"engine/checkpoint": leaf("sched", "engine/active", "engine/due", "engine/mail", "engine/reconcile", "engine/state"),

	"engine/notary": {project: []string{"codec", "engine/checkpoint", "engine/state"}}, // Ed25519

	"engine/reconcile/reconciletest": {project: []string{"codec", "sched", "engine/state", "engine/due", "engine/reconcile"}}, // a fake host; for test files

	"batch":           {project: []string{"sched"}},
	"batch/batchtest": {project: []string{"batch", "sched"}}, // what every Conn must pass; for test files
	"batch/portable":  {project: []string{"batch", "sched", "ring"}},
	"batch/simnet":    {project: []string{"batch", "sched"}},
	"batch/linux":     {project: []string{"batch", "sched"}, modules: []string{xsys}, unsafe: true},
	"batch/stream":    {project: []string{"batch", "ring"}, modules: []string{gnet, klauspost}},

	"engine/disk": {project: []string{"codec"}}, // files

	"engine": {project: []string{
		"codec", "codec/seal", "sched", "engine/disk", "engine/state", "engine/reconcile",
		"engine/bulk", "engine/checkpoint", "engine/content", "engine/declare", "engine/flow", "engine/mail", "engine/notary", "engine/share", "engine/member", "engine/enum", "engine/tune", "engine/protect", "engine/walk", "engine/core", "batch", "batch/linux", "batch/portable",
	}},
	"engine/enginetest": {project: []string{"engine", "batch", "sched"}},
	"engine/metrics":    {project: []string{"engine"}},

	"bench/...": {project: plus(below, "bench/..."), modules: []string{"..."}},
	"fuzz/...":  {project: plus(below, "fuzz/..."), modules: []string{"..."}},
	"tools/...": {project: plus(below, "fuzz/...", "tools/..."), modules: []string{"..."}},
}

// below is everything under tools, bench and fuzz.
var below = []string{"codec/...", "sched", "ring", "engine/...", "batch/..."}

func plus(list []string, more ...string) []string { return append(list[:len(list):len(list)], more...) }
