// Package bench measures the whole engine on loopback sockets. The hot paths
// below it have benchmarks beside their code; README.md lists all of them, how
// to run them and what was measured.
package bench
