package main

import (
	"fmt"
	"go/token"
	"strconv"
	"strings"
)

// helpers are the names of the functions that stand for operators.
var helpers = map[token.Token]string{
	token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Quo", token.REM: "Rem",
	token.LSS: "Less", token.LEQ: "AtMost", token.GTR: "More", token.GEQ: "AtLeast",
	token.INC: "Inc", token.DEC: "Dec",
}

// helperSource is what a woven package gets besides: which mutant lives, the operators,
// and marks of what the program comes by, of so many mutants.
func helperSource(name string, mutants int) string {
	var b strings.Builder
	b.WriteString(strings.NewReplacer("PACKAGE", name, "MANY", strconv.Itoa(mutants+1)).Replace(helperHead))
	for _, h := range [...]struct{ name, is, mutant, of, differs string }{
		{"Add", "+", "-", "mutable", "b != 0"},
		{"Sub", "-", "+", "mutable", "b != 0"},
		{"Mul", "*", "/", "mutable", "b == 0 || a*b != a/b"},
		{"Quo", "/", "*", "mutable", "a/b != a*b"},
		{"Rem", "%", "*", "mutableWhole", "a%b != a*b"},
	} {
		fmt.Fprintf(&b, helperArithmetic, h.name, h.of, h.mutant, h.differs, h.is)
	}
	for _, h := range [...]struct{ name, is, mutant string }{
		{"Less", "<", "<="}, {"AtMost", "<=", "<"}, {"More", ">", ">="}, {"AtLeast", ">=", ">"},
	} {
		fmt.Fprintf(&b, helperOrder, h.name, h.mutant, h.is)
	}
	fmt.Fprintf(&b, helperStep, "Inc", "--", "++")
	fmt.Fprintf(&b, helperStep, "Dec", "++", "--")
	return b.String()
}

const (
	helperHead = `package PACKAGE

import (
	"cmp"
	"os"
	"strconv"
	"sync/atomic"
)

type mutableWhole interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

type mutable interface {
	mutableWhole | ~float32 | ~float64
}

var (
	mutatedOne, _ = strconv.Atoi(os.Getenv("` + livingMutant + `"))
	mutatedFile   = mutatedOpen(os.Getenv("` + seenMutants + `"))
	mutatedMark   = []byte{1}
	mutatedMarked [2 * MANY]atomic.Bool
)

func mutatedOpen(name string) *os.File {
	if name == "" {
		return nil
	}
	file, _ := os.OpenFile(name, os.O_WRONLY, 0)
	return file
}

func mutatedSee(id int, differs bool) {
	mutatedPut(id)
	if differs {
		mutatedPut(MANY + id)
	}
}

func mutatedPut(at int) {
	if !mutatedMarked[at].Load() && !mutatedMarked[at].Swap(true) {
		mutatedFile.WriteAt(mutatedMark, int64(at))
	}
}

func mutated(id int) bool {
	if mutatedFile != nil {
		mutatedSee(id, true)
	}
	return id == mutatedOne
}

func mutatedNeg[T mutable](id int, a T) T {
	if id == mutatedOne {
		return a
	}
	if mutatedFile != nil {
		mutatedSee(id, a != -a)
	}
	return -a
}
`
	helperArithmetic = `
func mutated%s[T %s](id int, a, b T) T {
	if id == mutatedOne {
		return a %s b
	}
	if mutatedFile != nil {
		mutatedSee(id, %s)
	}
	return a %s b
}
`
	helperOrder = `
func mutated%s[T cmp.Ordered](id int, a, b T) bool {
	if id == mutatedOne {
		return a %s b
	}
	if mutatedFile != nil {
		mutatedSee(id, a == b)
	}
	return a %s b
}
`
	helperStep = `
func mutated%s[T mutable](id int, a *T) {
	if id == mutatedOne {
		*a%s
		return
	}
	if mutatedFile != nil {
		mutatedSee(id, true)
	}
	*a%s
}
`
)
