// Package codec is the wire format: one datagram is one frame, a header and records.
package codec
