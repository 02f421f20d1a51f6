// Package walk is ring repair: the closed loop of 2(N-1) hops after which N replicas
// hold the union of what they held.
//
// [Walker] knows which tokens are here, whom this node repairs, and how its own walk
// goes on. It sends nothing: the caller does.
package walk
