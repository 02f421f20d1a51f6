package stream

import (
	"fmt"
	"log/slog"
	"time"
)

// Compression is what chunks of bodies are compressed with.
type Compression uint8

// The values of Compression. Auto is the zero value.
const (
	Auto Compression = iota // s2; zstd for bodies that are said to be Dense
	Off                     // nothing: who can choose values beside secrets learns nothing from lengths
	S2                      // s2 always
	Zstd                    // zstd at its fastest always
)

// Options are an instance's wishes. The zero value is the default.
type Options struct {
	Compression Compression
	// StreamsIn and StreamsOut bound the streams that others have open here, 4 of each
	// member, and that this side has open. Where all places are taken the stream that was
	// idle for longest ends for another. Default 64 and 8.
	StreamsIn, StreamsOut int
	// WindowBytes bounds what one stream has sent and the other side has not
	// taken: the most that is buffered for a peer that is slow. Default 1 MiB; at
	// least 128 KiB. A stream moves at most so much in one round trip.
	WindowBytes int
	// PortsTried is how many ports are tried, from the datagrams' own upwards,
	// when that is taken. Default 64; 1 tries no other.
	PortsTried int
	// Logger gets what gnet has to say, at level debug or worse. nil is silent.
	Logger *slog.Logger

	times times
}

// times are the deadlines. Tests shorten them.
type times struct {
	open    time.Duration // to the first record that opens, and to dial
	stall   time.Duration // without anything moving while something is due
	idle    time.Duration // with nothing due
	inspect time.Duration // between two looks at all of them
}

// Default deadlines. A half-open stream costs a slot of 64, so it gets little.
var timesDefault = times{open: 2 * time.Second, stall: 10 * time.Second, idle: time.Minute, inspect: 250 * time.Millisecond}

// with returns o with every zero field replaced by its default.
func (o Options) with() Options {
	or := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	or(&o.StreamsIn, 64)
	or(&o.StreamsOut, 8)
	or(&o.WindowBytes, 1<<20)
	or(&o.PortsTried, 64)
	if o.times == (times{}) {
		o.times = timesDefault
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// check reports the first field that could not work, with its fix.
func (o *Options) check() error {
	f := func(field string, v, min, max int) error {
		if v < min || v > max {
			return fmt.Errorf("stream: Options.%s is %d, want 0 (default) or %d to %d", field, v, min, max)
		}
		return nil
	}
	if err := f("StreamsIn", o.StreamsIn, 1, 1<<14); err != nil {
		return err
	}
	if err := f("StreamsOut", o.StreamsOut, 1, 1<<14); err != nil {
		return err
	}
	if err := f("WindowBytes", o.WindowBytes, windowLeast, windowMost); err != nil {
		return err
	}
	if err := f("PortsTried", o.PortsTried, 1, 1<<14); err != nil {
		return err
	}
	if o.Compression > Zstd {
		return fmt.Errorf("stream: Options.Compression is %d, want Auto, Off, S2 or Zstd", o.Compression)
	}
	return nil
}
