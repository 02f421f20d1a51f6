package codec

// Reason says in one byte why something was dropped: an index into counters.
type Reason uint8

// The reasons. ReasonNone is the reason of a nil error, ReasonOther of an error that this package did not make.
const (
	ReasonNone        Reason = iota
	ReasonOther              // not an error of the codec
	ReasonShort              // shorter than its own header or trailer
	ReasonLong               // longer than FrameBytesMax
	ReasonMagic              // not one of our frames
	ReasonVersion            // another version of the format
	ReasonFlags              // flags that nobody may set, or reserved bits
	ReasonCluster            // of another cluster
	ReasonChecksum           // damaged on the way
	ReasonSealed             // sealed, where an unsealed frame is expected
	ReasonUnsealed           // unsealed, where a sealed frame is expected
	ReasonRecord             // record framing: a length beyond the end, type 0
	ReasonBody               // a record's body ends early, or goes on after its end
	ReasonVarint             // a number that is cut off, too large, or not in its shortest form
	ReasonOrder              // identifiers or versions that do not ascend, or leave their range
	ReasonOrigin             // origin 0
	ReasonName               // a name that is empty, too long or not printable
	ReasonAddress            // an address that is not in its only form
	ReasonEntry              // an entry over the limits, or not in its only form
	ReasonUnsupported        // well formed, but of a kind that this version can't use
	ReasonKey                // sealed with a key that we do not hold
	ReasonAuth               // the seal does not open
	ReasonReplay             // seen before, or too old to tell
	ReasonExhausted          // a sender's counter is used up
	ReasonCookie             // no valid cookie
	Reasons                  // the number of reasons: the length of an array of counters
)

var reasonNames = [Reasons]string{
	"none", "other", "short", "long", "magic", "version", "flags", "cluster", "checksum", "sealed", "unsealed",
	"record", "body", "varint", "order", "origin", "name", "address", "entry", "unsupported",
	"key", "auth", "replay", "exhausted", "cookie",
}

// String gives the reason in one word, as metrics and reports name it.
func (r Reason) String() string {
	if r < Reasons {
		return reasonNames[r]
	}
	return "unknown"
}

// failure is the type of every error here. All of them exist before the first frame arrives.
type failure struct {
	reason Reason
	text   string
}

func (f *failure) Error() string { return f.text }

// The errors of parsing and of seals. They carry no detail: the frame that caused one is hostile or damaged, and
// building a text for it would cost more than dropping it.
var (
	ErrShort       error = &failure{ReasonShort, "codec: frame is too short"}
	ErrLong        error = &failure{ReasonLong, "codec: frame is too long"}
	ErrMagic       error = &failure{ReasonMagic, "codec: not a frame"}
	ErrVersion     error = &failure{ReasonVersion, "codec: frame of another format version"}
	ErrFlags       error = &failure{ReasonFlags, "codec: reserved bits are set"}
	ErrCluster     error = &failure{ReasonCluster, "codec: frame of another cluster"}
	ErrChecksum    error = &failure{ReasonChecksum, "codec: checksum does not match"}
	ErrSealed      error = &failure{ReasonSealed, "codec: frame is sealed"}
	ErrUnsealed    error = &failure{ReasonUnsealed, "codec: frame is not sealed"}
	ErrRecord      error = &failure{ReasonRecord, "codec: record does not fit the frame"}
	ErrBody        error = &failure{ReasonBody, "codec: record body has the wrong length"}
	ErrVarint      error = &failure{ReasonVarint, "codec: number is cut off, too large or not minimal"}
	ErrOrder       error = &failure{ReasonOrder, "codec: identifiers or versions are out of order"}
	ErrOrigin      error = &failure{ReasonOrigin, "codec: origin 0"}
	ErrName        error = &failure{ReasonName, "codec: name is empty or too long"}
	ErrAddress     error = &failure{ReasonAddress, "codec: malformed address"}
	ErrEntry       error = &failure{ReasonEntry, "codec: malformed entry"}
	ErrUnsupported error = &failure{ReasonUnsupported, "codec: not supported by this version"}
	ErrKey         error = &failure{ReasonKey, "codec: sealed with an unknown key"}
	ErrAuth        error = &failure{ReasonAuth, "codec: seal does not open"}
	ErrReplay      error = &failure{ReasonReplay, "codec: frame was seen before"}
	ErrExhausted   error = &failure{ReasonExhausted, "codec: seal counter is used up"}
	ErrCookie      error = &failure{ReasonCookie, "codec: no valid cookie"}
)

// ReasonOf gives the reason of an error that this package returned.
func ReasonOf(err error) Reason {
	switch f := err.(type) {
	case nil:
		return ReasonNone
	case *failure:
		return f.reason
	}
	return ReasonOther
}
