package sched

// Calendar holds when very many things happen that are not called off one by one, such as the ends
// of a million keys: a timing wheel as [Wheel] is one, whose entries have a number of the caller's
// and no identity. Its memory comes and goes in pages, so that growth copies nothing.
//
// Laws: nothing is taken before its instant; what is due is taken at the first Take that is a tick
// or more later and not kept from it by its bound. Add, Take and Sweep are O(1), but for the moves
// between levels, at most 7 an entry: Take makes as many as it is allowed to and goes on with the
// next call. What falls due within one tick comes in the order in which it was added, but for what
// was moved. The zero value is empty; Start tells it the time.
type Calendar struct {
	dial
	pages  []*[pageEntries]entry
	moving bool   // a slot that has begun is being emptied: its entries are in the list of movers
	free   uint32 // head of a list by next
	made   uint32 // entries that were ever used
	swept  uint32 // where Sweep goes on
	count  int
}

type entry struct {
	at         Instant // 0: it is free
	value      uint64
	next, prev uint32
}

const (
	pageEntries = 1024
	movers      = slots     // the sentinel behind those of the slots
	firstEntry  = slots + 1 // behind the sentinels
)

const _ uint = pageEntries - firstEntry // the first page has all sentinels

// Start sets the time of an empty calendar.
func (c *Calendar) Start(now Instant) { *c = Calendar{dial: dial{base: now}} }

// Len is how many entries there are.
func (c *Calendar) Len() int { return c.count }

// Add notes that something happens at an instant; one that has passed is due. It allocates a page
// now and then.
func (c *Calendar) Add(at Instant, value uint64) {
	i := c.take()
	e := c.entry(i)
	e.at, e.value = max(at, 1), value
	c.count++
	c.link(i, c.seat(max(c.ceil(at), c.tick)))
}

// Next is when Take has something to do: never later than the first tick, and Never when there is
// nothing.
func (c *Calendar) Next() Instant {
	if c.moving {
		return c.instant(c.tick)
	}
	return c.next()
}

// Take takes out something that is due, and tells its number. Each entry that moves to a lower
// level costs one of moves: when these are used up ok is false, as when nothing is due, and Next
// tells which. now must not go back.
func (c *Calendar) Take(now Instant, moves *int) (value uint64, ok bool) {
	target := c.floor(now)
	for {
		if c.moving && !c.move(moves) {
			return 0, false
		}
		if c.used == 0 {
			break
		}
		level, slot := c.first()
		start := c.start(level, slot)
		if start > target {
			break
		}
		c.tick = start
		sentinel := level<<slotBits | slot
		if level == 0 {
			i := c.entry(sentinel).next
			value = c.entry(i).value
			c.drop(i)
			return value, true
		}
		c.begin(sentinel)
	}
	c.tick = max(c.tick, target)
	return 0, false
}

// Sweep looks at the next entries in turn, and drops those that are not to be kept.
func (c *Calendar) Sweep(entries int, keep func(value uint64) bool) {
	for ; entries > 0 && c.count > 0; entries-- {
		if c.swept++; c.swept < firstEntry || c.swept >= c.made {
			c.swept = firstEntry
		}
		if e := c.entry(c.swept); e.at != 0 && !keep(e.value) {
			c.drop(c.swept)
		}
	}
}

func (c *Calendar) entry(i uint32) *entry { return &c.pages[i/pageEntries][i%pageEntries] }

// take gives a free entry.
func (c *Calendar) take() uint32 {
	if i := c.free; i != 0 {
		c.free = c.entry(i).next
		return i
	}
	if int(c.made) == len(c.pages)*pageEntries {
		c.pages = append(c.pages, new([pageEntries]entry))
	}
	if c.made == 0 {
		for s := range uint32(firstEntry) {
			*c.entry(s) = entry{next: s, prev: s}
		}
		c.made = firstEntry
	}
	c.made++
	return c.made - 1
}

// drop frees an entry, and all pages but one with the last of them.
func (c *Calendar) drop(i uint32) {
	c.unlink(i)
	e := c.entry(i)
	e.at, e.next = 0, c.free
	c.free = i
	if c.count--; c.count == 0 {
		clear(c.pages[1:])
		c.pages, c.made, c.free, c.moving = c.pages[:1], firstEntry, 0, false
	}
}

// link puts an entry at the end of a list.
func (c *Calendar) link(i, sentinel uint32) {
	s, e := c.entry(sentinel), c.entry(i)
	e.next, e.prev = sentinel, s.prev
	c.entry(s.prev).next = i
	s.prev = i
}

// unlink takes an entry out of its list.
func (c *Calendar) unlink(i uint32) {
	next, prev := c.entry(i).next, c.entry(i).prev
	c.entry(prev).next, c.entry(next).prev = next, prev
	if next == prev && next < slots { // only a sentinel has one neighbour twice
		c.vacate(next)
	}
}

// begin makes the entries of a slot that has begun movers.
func (c *Calendar) begin(sentinel uint32) {
	s, m := c.entry(sentinel), c.entry(movers)
	m.next, m.prev = s.next, s.prev
	c.entry(m.next).prev, c.entry(m.prev).next = movers, movers
	s.next, s.prev = sentinel, sentinel
	c.vacate(sentinel)
	c.moving = true
}

// move puts movers where they belong now; false if there are more.
func (c *Calendar) move(moves *int) (all bool) {
	m := c.entry(movers)
	for ; m.next != movers; *moves-- {
		if *moves <= 0 {
			return false
		}
		i := m.next
		c.unlink(i)
		c.link(i, c.seat(max(c.ceil(c.entry(i).at), c.tick)))
	}
	c.moving = false
	return true
}
