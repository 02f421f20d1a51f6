//go:build !linux

package load

import "time"

func exactTimers() {}

func sleep(nanos int64) { time.Sleep(time.Duration(nanos)) }
