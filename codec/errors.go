package codec

import "errors"

// The errors of parsing and of opening seals: all that this package and codec/seal return for bytes
// from the network, so that a caller can count drops by comparing. They carry no detail: the frame
// that caused one is hostile or damaged, and building a text for it would cost more than dropping
// it.
var (
	ErrShort       = errors.New("codec: frame is too short")
	ErrLong        = errors.New("codec: frame is too long")
	ErrMagic       = errors.New("codec: not a frame")
	ErrVersion     = errors.New("codec: frame of another format version")
	ErrFlags       = errors.New("codec: reserved bits are set")
	ErrChecksum    = errors.New("codec: checksum does not match")
	ErrSealed      = errors.New("codec: frame is sealed")
	ErrRecord      = errors.New("codec: record does not fit the frame")
	ErrBody        = errors.New("codec: record body has the wrong length")
	ErrVarint      = errors.New("codec: number is cut off, too large or not minimal")
	ErrOrder       = errors.New("codec: identifiers or versions are out of order")
	ErrOrigin      = errors.New("codec: origin 0")
	ErrName        = errors.New("codec: name is empty or too long")
	ErrAddress     = errors.New("codec: malformed address")
	ErrEntry       = errors.New("codec: malformed entry")
	ErrUnsupported = errors.New("codec: not supported by this version")
	ErrKey         = errors.New("codec: sealed with an unknown key")
	ErrAuth        = errors.New("codec: seal does not open")
	ErrReplay      = errors.New("codec: frame was seen before")
	ErrExhausted   = errors.New("codec: seal counter is used up")
)
