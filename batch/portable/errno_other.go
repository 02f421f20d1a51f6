//go:build !unix && !windows

package portable

import "github.com/quidnunc/quidnunc/batch"

// kindOf sorts a failed send; here the system's errors have no numbers.
func kindOf(error) batch.ErrorKind { return batch.OtherError }

func tooLong(error) bool { return false }
