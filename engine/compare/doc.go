// Package compare finds out in what two replicas differ.
package compare
