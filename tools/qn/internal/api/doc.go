// Package api is what an agent tells over HTTP: the JSON of its answers, which is a contract
// (fields are added, never renamed or removed), and the client that the commands of qn use. Times
// are RFC 3339, spans are seconds in fields that end in _seconds, versions are
// "generation/sequence".
package api
