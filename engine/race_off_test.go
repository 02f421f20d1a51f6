//go:build !race

package engine_test

// racing says that the detector of races is on.
const racing = false
