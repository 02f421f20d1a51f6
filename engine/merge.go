package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
)

// MergeRule decides shared keys by what they hold: of two values the one that Compare says
// is higher wins, whoever wrote it when; of values that are equal in it the last writer
// wins. So members that are cut off from each other, or whose clocks are wrong, agree on
// the highest version, the largest bid, the best primary.
//
// Compare gives a negative number, zero or a positive one, as bytes.Compare does, for any
// two values, those too that nobody should write. To have one winner whatever the order in
// which writes come, the choice must be commutative, associative and idempotent, and it is
// that where Compare is a total preorder: Compare(a, b) is -Compare(b, a) in sign, and a ≤ b
// with b ≤ c makes a ≤ c. It must depend on nothing but its two arguments, keep none of
// them, and be fast: it runs on the loop, and concurrently where members write. It must not
// panic.
//
// All members need the same rules. Name stands for the function in each write, so another
// function needs another name. A member that does not know the name of a write decides by
// stamp and author, as for the last writer: what it reads may differ from what others do,
// until it is given the rule. It says so (WARN), refuses Set and SetIf there with
// ErrMergeRule, and withdraws nothing of such writes, so nothing is lost by it. Two members
// with different functions under one name differ for good, and may lose a value with them.
type MergeRule struct {
	// Name is that of the function: 1 to 64 bytes of printable UTF-8.
	Name string
	// Prefix says for which shared keys: the longest that fits counts. Default "": all.
	Prefix string
	// Compare tells which of two values is higher.
	Compare func(a, b []byte) int
}

const (
	mergeRulesMax = 64
	mergeNameMax  = 64
)

// ErrMergeRule is returned for a shared key with a rule of its own by what can't keep it:
// SetOnce, SetTTL and Add, and Set and SetIf of a member whose Config.Merge lacks the rule.
var ErrMergeRule = errors.New("engine: shared: the key is decided by a rule of Config.Merge that this write can't keep: give all members the rule, and use Set, SetIf, Delete or Force")

func (c *Config) checkMerge() (err error) {
	if len(c.Merge) > mergeRulesMax {
		return bad("Merge", len(c.Merge), "are too many rules", fmt.Sprintf("use at most %d", mergeRulesMax))
	}
	names, prefixes := map[string]bool{}, map[string]bool{}
	for i := range c.Merge {
		r := &c.Merge[i]
		field := fmt.Sprintf("Merge[%d].", i)
		err = errors.Join(err, checkName(field+"Name", r.Name, mergeNameMax, "name the function"))
		switch {
		case names[r.Name]:
			err = errors.Join(err, bad(field+"Name", r.Name, "is that of another rule", "give each function a name of its own"))
		case prefixes[r.Prefix]:
			err = errors.Join(err, bad(field+"Prefix", r.Prefix, "is that of another rule", "keep one of them"))
		case len(r.Prefix) > SharedKeyBytesMax || r.Prefix != "" && codec.Reserved(r.Prefix):
			err = errors.Join(err, bad(field+"Prefix", r.Prefix, "begins no shared key", fmt.Sprintf("use at most %d bytes, the first not zero", SharedKeyBytesMax)))
		case r.Compare == nil:
			err = errors.Join(err, bad(field+"Compare", "nil", "is missing", "set a function that compares two values"))
		}
		names[r.Name], prefixes[r.Prefix] = true, true
	}
	return err
}

// orders are the rules as the index needs them, in the order of Config.Merge.
func (s *Shared) orders() (list share.Orders) {
	for i := range s.e.cfg.Merge {
		r := &s.e.cfg.Merge[i]
		list = append(list, share.Order{ID: uint32(max(1, codec.SipHash(s.hashKey, []byte(r.Name))>>32)), Compare: r.Compare})
	}
	return list
}

// rule gives the order of a key, by which claims on it are made; nil: none.
func (s *Shared) rule(key string) *share.Order {
	best := -1
	for i := range s.e.cfg.Merge {
		p := s.e.cfg.Merge[i].Prefix
		if strings.HasPrefix(key, p) && (best < 0 || len(p) > len(s.e.cfg.Merge[best].Prefix)) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return &s.merge[best]
}

// ruled is a claim on a key under the order that it has.
func (s *Shared) ruled(key string, value []byte, claim claimFunc) claimFunc {
	r := s.rule(key)
	if r == nil {
		return claim
	}
	return func(c, now *share.Claim) error {
		c.Order = r.ID
		if err := claim(c, now); err != nil || c.Deleted || c.Epoch > now.Epoch {
			return err
		}
		switch {
		case now.Author == 0: // nothing is there
		case now.Order != r.ID && now.Order != 0, now.Deleted && now.Order != 0: // above another rule, or what a delete has closed
			c.Epoch++
		case now.Order == r.ID:
			var room [KeyBytesMax]byte
			if have, _, ok := s.known(nil, logKey(room[:0], key)); ok && r.Compare(value, have) < 0 {
				return &ConflictError{Key: key, Have: sharedVersion(now)}
			}
		}
		return nil
	}
}
