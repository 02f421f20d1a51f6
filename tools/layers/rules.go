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
	goFarm    = "github.com/dgryski/go-farm"
	gnet      = "github.com/panjf2000/gnet/v2"
	klauspost = "github.com/klauspost/compress"
	xsys      = "golang.org/x/sys"
)

// ground is the lowest layer, without codec/seal, which only core opens.
var ground = []string{"codec", "sched", "ring"}

// leaf is the row of a pure leaf under engine.
func leaf() rule { return rule{pure: true, project: plus(ground, "engine/state")} }

// rules has one row for each package, lowest layer first. An exact row goes
// before one that ends in /... .
var rules = map[string]rule{
	"codec":      {pure: true, std: []string{"unicode/utf8"}, modules: []string{goFarm}},
	"codec/seal": {pure: true, project: []string{"codec"}, std: []string{"crypto/aes", "crypto/cipher", "crypto/hkdf", "crypto/sha256"}},
	"sched":      {pure: true},
	"ring":       {pure: true, std: []string{"sync/atomic"}},

	// The store's readers take a lock until they are lock-free; sync goes then.
	"engine/state":     {pure: true, project: ground, std: []string{"sync", "sync/atomic"}, modules: []string{goFarm}},
	"engine/reconcile": leaf(),
	"engine/rumor":     leaf(),
	"engine/sketch":    leaf(),
	"engine/flow":      leaf(),
	"engine/member":    leaf(),
	"engine/core": {pure: true, project: plus(ground, "codec/seal",
		"engine/state", "engine/reconcile", "engine/rumor", "engine/sketch", "engine/flow", "engine/member")},

	"batch":           {project: []string{"sched", "ring"}},
	"batch/batchtest": {project: []string{"batch", "sched"}}, // what every Conn must pass; for test files
	"batch/portable":  {project: []string{"batch", "sched", "ring"}},
	"batch/simnet":    {project: []string{"batch", "sched", "ring"}},
	"batch/linux":     {project: []string{"batch", "sched", "ring"}, modules: []string{xsys}, unsafe: true},
	"batch/stream":    {project: []string{"batch", "sched", "ring"}, modules: []string{gnet, klauspost}},

	// Not batch/stream: an embedder who does not use it does not compile gnet.
	"engine": {project: plus(ground, "codec/seal", "engine/state", "engine/reconcile", "engine/rumor",
		"engine/flow", "engine/member", "engine/core", "batch", "batch/linux", "batch/portable", "batch/simnet")},
	"engine/enginetest": {project: plus(ground, "engine", "engine/core", "engine/state", "batch", "batch/simnet")},

	"bench/...": {project: plus(below, "bench/..."), modules: []string{"..."}},
	"fuzz/...":  {project: plus(below, "fuzz/..."), modules: []string{"..."}},
	"tools/...": {project: plus(below, "fuzz/...", "tools/..."), modules: []string{"..."}},
}

// below is everything under tools, bench and fuzz.
var below = []string{"codec/...", "sched", "ring", "engine/...", "batch/..."}

func plus(list []string, more ...string) []string { return append(list[:len(list):len(list)], more...) }
