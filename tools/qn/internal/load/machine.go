package load

import (
	"bytes"
	"os"
	"time"
)

// statTick is the unit of /proc/stat, on all that Go runs on.
const statTick = int64(10 * time.Millisecond)

// machine reads what all processes of this machine have used. The zero value is ready.
type machine struct {
	file *os.File
	text [512]byte
}

// nanos is the processor time that was used or that the host gave to other machines; 0 where it is not
// known. From the second call on it does not allocate.
func (m *machine) nanos() int64 {
	if m.file == nil {
		m.file, _ = os.Open("/proc/stat") // it is not everywhere
	}
	n, _ := m.file.ReadAt(m.text[:], 0)
	return statNanos(m.text[:n])
}

// statNanos reads the first line of /proc/stat: all but idle and iowait, and but guests, which are in user.
func statNanos(text []byte) int64 {
	rest, ok := bytes.CutPrefix(text, []byte("cpu "))
	if !ok {
		return 0
	}
	ticks, field, value, inside := int64(0), 0, int64(0), false
	for _, c := range rest {
		if c >= '0' && c <= '9' {
			value, inside = 10*value+int64(c-'0'), true
			continue
		}
		if inside {
			switch field {
			case 0, 1, 2, 5, 6, 7:
				ticks += value
			}
			field, value, inside = field+1, 0, false
		}
		if c == '\n' {
			break
		}
	}
	return ticks * statTick
}
