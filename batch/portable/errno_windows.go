package portable

import (
	"errors"
	"syscall"

	"github.com/quidnunc/quidnunc/batch"
)

// Winsock error numbers that package syscall does not name.
const (
	wsaEWOULDBLOCK   syscall.Errno = 10035
	wsaEMSGSIZE      syscall.Errno = 10040
	wsaEAFNOSUPPORT  syscall.Errno = 10047
	wsaEADDRNOTAVAIL syscall.Errno = 10049
	wsaENETDOWN      syscall.Errno = 10050
	wsaENETUNREACH   syscall.Errno = 10051
	wsaENOBUFS       syscall.Errno = 10055
	wsaEHOSTUNREACH  syscall.Errno = 10065
)

// kindOfErrno sorts what the system says of a failed send.
func kindOfErrno(errno syscall.Errno) batch.ErrorKind {
	switch errno {
	case wsaEWOULDBLOCK:
		return batch.Again
	case syscall.WSAEACCES:
		return batch.Denied
	case wsaENOBUFS:
		return batch.NoBuffers
	case wsaENETUNREACH, wsaEHOSTUNREACH, wsaENETDOWN, wsaEADDRNOTAVAIL, wsaEAFNOSUPPORT:
		return batch.Unreachable
	case wsaEMSGSIZE:
		return batch.TooLong
	}
	return batch.OtherError
}

// tooLong reports whether a receive failed for the length of its datagram.
func tooLong(err error) bool { return errors.Is(err, wsaEMSGSIZE) }
