// Package form prints results: as a table for people, as JSON or NDJSON for programs. Every command
// that has a result takes it from here, so that -o means the same everywhere.
package form
