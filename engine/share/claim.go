package share

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/quidnunc/quidnunc/codec"
)

// Author names who made a write: a hash of the member's name, which its generations
// have in common, so that a claim stays what it is when its log goes on under another
// one. 0: nobody.
type Author uint64

// Claim says what a shared write is worth, and whose it is. A log may hold a claim
// of another author than its owner, which it adopted.
type Claim struct {
	Epoch   uint32
	Stamp   Stamp
	Author  Author
	Order   uint32 // values decide in this epoch, by the order with this ID; 0: they do not
	First   bool   // first writer wins in this epoch; else the last
	Deleted bool
}

// Sizes of a claim in front of a value.
const (
	ClaimBytesOwn = 1 + 8                               // by the log's own origin, epoch 0
	ClaimBytesMax = ClaimBytesOwn + 4 + 4 + authorBytes // any claim
	authorBytes   = 8
)

// The flags of a claim.
const (
	flagFirst   = 1 << iota // first writer wins
	flagDeleted             // no value follows
	flagAdopted             // the author is named: it is not the log's own origin
	flagEpoch               // the epoch is given: it is not 0
	flagOrder               // an order is named
	flagsKnown  = 1<<iota - 1
)

// ErrClaim says that the value of a shared key does not begin with a claim in
// its only form.
var ErrClaim = errors.New("share: malformed claim")

// Append appends the claim as the value of an entry of owner's log begins.
func (c *Claim) Append(dst []byte, owner Author) []byte {
	flags := byte(0)
	if c.First {
		flags |= flagFirst
	}
	if c.Deleted {
		flags |= flagDeleted
	}
	if c.Author != owner {
		flags |= flagAdopted
	}
	if c.Epoch != 0 {
		flags |= flagEpoch
	}
	if c.Order != 0 {
		flags |= flagOrder
	}
	dst = binary.LittleEndian.AppendUint64(append(dst, flags), uint64(c.Stamp))
	if c.Epoch != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, c.Epoch)
	}
	if c.Order != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, c.Order)
	}
	if c.Author != owner {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(c.Author))
	}
	return dst
}

// Parse takes the claim off a value of owner's log; what follows it is rest.
func (c *Claim) Parse(value []byte, owner Author) (rest []byte, err error) {
	if len(value) < 9 || value[0]&^flagsKnown != 0 {
		return nil, ErrClaim
	}
	flags, b := value[0], value[9:]
	*c = Claim{
		Stamp: Stamp(binary.LittleEndian.Uint64(value[1:])), Author: owner,
		First: flags&flagFirst != 0, Deleted: flags&flagDeleted != 0,
	}
	if c.Stamp == 0 || c.Stamp > stampMax {
		return nil, ErrClaim
	}
	if flags&(flagEpoch|flagOrder|flagAdopted) != 0 {
		if b, err = c.parseMore(flags, b, owner); err != nil {
			return nil, err
		}
	}
	if c.Deleted && len(b) > 0 {
		return nil, ErrClaim
	}
	return b, nil
}

// parseMore takes what few claims have.
func (c *Claim) parseMore(flags byte, b []byte, owner Author) (rest []byte, err error) {
	number := func(n *uint32) (ok bool) {
		if len(b) < 4 || binary.LittleEndian.Uint32(b) == 0 {
			return false
		}
		*n, b = binary.LittleEndian.Uint32(b), b[4:]
		return true
	}
	if flags&flagEpoch != 0 && !number(&c.Epoch) || flags&flagOrder != 0 && (c.First || !number(&c.Order)) {
		return nil, ErrClaim
	}
	if flags&flagAdopted != 0 {
		if len(b) < authorBytes {
			return nil, ErrClaim
		}
		c.Author, b = Author(binary.LittleEndian.Uint64(b)), b[authorBytes:]
		if c.Author == 0 || c.Author == owner {
			return nil, ErrClaim
		}
	}
	return b, nil
}

// rank orders the rules within an epoch: orders of values, then the first writer, then the
// last; a delete under one of the former two closes the epoch for it.
func (c *Claim) rank() int {
	switch {
	case c.Order != 0 && c.Deleted:
		return 4
	case c.Order != 0:
		return 3
	case c.First && c.Deleted:
		return 2
	case c.First:
		return 1
	default:
		return 0
	}
}

// plain tells whether stamp and author alone order a claim among others that are plain.
func (c *Claim) plain() bool { return c.Epoch == 0 && !c.First && c.Order == 0 }

// plainStamp is the stamp of a plain claim, else 0.
func (c *Claim) plainStamp() Stamp {
	if c.plain() {
		return c.Stamp
	}
	return 0
}

// Compare is positive where c wins over d, negative where d does, and 0 where
// they are one claim: then values decide (Settle). Claims under one order are for
// Orders.Compare.
func (c *Claim) Compare(d *Claim) int {
	if o := cmp.Or(cmp.Compare(c.Epoch, d.Epoch), cmp.Compare(c.rank(), d.rank()), cmp.Compare(c.Order, d.Order)); o != 0 {
		return o
	}
	later := cmp.Or(cmp.Compare(c.Stamp, d.Stamp), cmp.Compare(c.Author, d.Author))
	if c.rank() == 1 {
		return -later
	}
	return later
}

// Settle compares two contents of one claim, which only a copied or rolled back
// disk brings about. It is positive where the first wins: a delete, then the
// value with the smaller SHA-256.
func Settle(deletedA bool, a []byte, deletedB bool, b []byte) int {
	switch {
	case deletedA != deletedB && deletedA:
		return 1
	case deletedA != deletedB:
		return -1
	case bytes.Equal(a, b):
		return 0
	}
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return bytes.Compare(y[:], x[:])
}

// Rank is the place of self in the order in which members should take over a
// key, 0 the first: rendezvous hashing (Thaler, Ravishankar 1998), so that
// members who know the same others agree without a word, and the work spreads.
// key is the key's hash under a key that the cluster has in common.
func Rank(key uint64, self codec.OriginID, others []codec.OriginID) (place int) {
	own := weight(key, self)
	for _, id := range others {
		if weight(key, id) > own {
			place++
		}
	}
	return place
}

// weight mixes a key's hash with an origin (the finaliser of MurmurHash3, a bijection: two origins
// never have the same).
func weight(key uint64, id codec.OriginID) uint64 {
	x := key ^ uint64(id)
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
