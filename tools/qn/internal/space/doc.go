// Package space is what the fronts of an agent see of its engine: keys by one name, their changes in one order, and the
// writes that a client of another system expects (only if there is none, add to a number, keep the lifetime).
//
// # Names
//
//	color         an own key of this agent
//	web-2/color   the key color of the member web-2: anybody reads it, the agent of web-2 alone writes it
//	./a/b         the own key a/b: a name with a slash and no dot before it always names a member
//
// # Changes
//
// Changes are numbered from 1 by this agent and kept for a while, so that a client that was cut off goes on where it was,
// or learns that it can't. They coalesce, as Engine.Changes does: of a key that is written often, some values are left out,
// never the newest. Who follows is never waited for.
package space
