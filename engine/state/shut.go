package state

// Who has a seat for nobody else would be offered all that those whom it turned away
// wrote, by everybody whom it compares with, ever again. So it says that it takes nobody whom it
// does not name, for a while that grows each time that somebody is turned away after it.
const (
	shutLeast = 1 << 30 // nanoseconds
	shutMost  = 16 << 30
	shutTries = 2 << 30 // then others may be introduced again; whoever turns nobody away by then is open
)

// shut is since when, and for how long, nobody else is taken.
type shut struct{ at, pause int64 }

// TurnAway notes that there was no seat for somebody; told: whom another one introduced, where not
// even who answers had one. The rest of the seats is for those.
func (s *Store) TurnAway(told bool) {
	switch x := &s.shut; {
	case !told:
	case !s.TurnsAway():
		*x = shut{s.now, shutLeast}
	case !s.Shut():
		*x = shut{s.now, min(2*x.pause, shutMost)}
	}
}

// TurnsAway tells whether somebody was turned away lately.
func (s *Store) TurnsAway() bool { return s.shut.pause > 0 && s.now-s.shut.at < s.shut.pause+shutTries }

// Shut tells whether nobody may be introduced.
func (s *Store) Shut() bool { return s.shut.pause > 0 && s.now-s.shut.at < s.shut.pause }

// Open notes that there may be a seat again.
func (s *Store) Open() { s.shut = shut{} }
