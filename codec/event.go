package codec

import "encoding/binary"

// Limits of a user's broadcast.
const (
	// TopicBytesMax bounds a topic's name.
	TopicBytesMax = NameBytesMax
	// EventPayloadMax bounds topic and payload together.
	EventPayloadMax = 768
	// EventBytesMax bounds the body of an Event record.
	EventBytesMax = eventFixedBytes + EventPayloadMax
	// EventTimeMax bounds a Lamport time on the wire, so that a clock can always go on.
	EventTimeMax = 1<<62 - 1

	eventFixedBytes = 8 + 8 + 8 + 1
)

// A full event fits the smallest frame, sealed and with every header block.
const _ uint = FrameBytesFloor - HeaderBytesMax - TagBytes - RecordBytes - EventBytesMax

// Event is a user's broadcast. Topic and Payload are views of the frame. An Event record with an
// empty body is none: it asks for the events that the receiver has kept.
type Event struct {
	Origin  OriginID // who sent it first
	Seq     uint64   // its number among that origin's events, from 1
	Time    uint64   // Lamport time, at most EventTimeMax
	Topic   []byte   // 1 to TopicBytesMax bytes
	Payload []byte
}

// Fits tells whether the sizes of e are within the limits.
func (e *Event) Fits() bool {
	return len(e.Topic) > 0 && len(e.Topic) <= TopicBytesMax && len(e.Topic)+len(e.Payload) <= EventPayloadMax
}

// AppendEventBody appends the body of an Event record. e must Fit; it is kept as these bytes, and
// relayed as them.
func AppendEventBody(dst []byte, e *Event) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Origin))
	dst = binary.LittleEndian.AppendUint64(dst, e.Seq)
	dst = binary.LittleEndian.AppendUint64(dst, e.Time)
	dst = append(dst, byte(len(e.Topic)))
	dst = append(dst, e.Topic...)
	return append(dst, e.Payload...)
}

// RenameEvent gives the body of an Event record another origin.
func RenameEvent(body []byte, o OriginID) { binary.LittleEndian.PutUint64(body, uint64(o)) }

// ParseEvent reads the body of an Event record into e.
func ParseEvent(b []byte, e *Event) error {
	if len(b) < eventFixedBytes || len(b) > EventBytesMax {
		return ErrBody
	}
	*e = Event{
		Origin: OriginID(binary.LittleEndian.Uint64(b)),
		Seq:    binary.LittleEndian.Uint64(b[8:]),
		Time:   binary.LittleEndian.Uint64(b[16:]),
	}
	topic, rest := int(b[24]), b[eventFixedBytes:]
	switch {
	case e.Origin == 0:
		return ErrOrigin
	case e.Seq == 0 || e.Time > EventTimeMax:
		return ErrOrder
	case topic == 0 || topic > TopicBytesMax:
		return ErrName
	case topic > len(rest):
		return ErrBody
	}
	e.Topic, e.Payload = rest[:topic:topic], rest[topic:len(rest):len(rest)]
	return nil
}
