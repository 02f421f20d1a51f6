//go:build race

package engine_test

// racing says that the detector of races is on: everything takes some ten times as long.
const racing = true
