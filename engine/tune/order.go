package tune

import "github.com/quidnunc/quidnunc/engine/enum"

// Order is how a frame is filled when more is missing than fits.
type Order uint8

// The orders.
const (
	// OrderFair takes turns between members by bytes: nobody starves. It is the default.
	OrderFair Order = iota
	// OrderDepth takes the member with the most missing entries first.
	OrderDepth
	// OrderBreadth takes one entry of each member, then the next of each.
	OrderBreadth

	// The orders below are precise reconciliation: members compare key by key
	// and not member by member, which costs more the more keys there are, and
	// send entry by entry. It is the baseline of the Scuttlebutt paper. All of a
	// cluster's members must use it, or none: others are refused.

	// OrderPreciseNewest takes what was written last first.
	OrderPreciseNewest
	// OrderPreciseOldest takes what was written first first.
	OrderPreciseOldest
	// OrderPreciseRandom takes any.
	OrderPreciseRandom
	// OrderPreciseOwn takes what Options.Compare puts first.
	OrderPreciseOwn
)

// Precise reports whether the order is one of precise reconciliation.
func (o Order) Precise() bool { return o >= OrderPreciseNewest }

// Common is a number for what of the order all members of a cluster must have in common: 1,
// or 2 where it is precise. Greetings carry it.
func (o Order) Common() uint32 {
	if o.Precise() {
		return 2
	}
	return 1
}

var orders = enum.Names[Order]{Kind: "Order", What: "order", Names: []string{
	"fair", "depth", "breadth", "precise-newest", "precise-oldest", "precise-random", "precise-own",
}}

// String is "fair", "depth", "breadth", "precise-newest", "precise-oldest",
// "precise-random" or "precise-own".
func (o Order) String() string { return orders.String(o) }

// ParseOrder is the inverse of Order.String.
func ParseOrder(s string) (Order, error) { return orders.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (o Order) MarshalText() ([]byte, error) { return orders.Text(o) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseOrder.
func (o *Order) UnmarshalText(b []byte) error { return orders.Set(o, b) }
