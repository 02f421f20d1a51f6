// Package space is what the fronts of an agent see of its engine: keys by one name, their changes
// in one order, and the writes that a client of another system expects (only if there is none, add
// to a number, keep the lifetime).
//
// # Names
//
//	color         a key that all members share: any agent writes it, and all read the same (engine.Shared)
//	/a/b          the shared key a/b: a name with a slash inside names a member
//	web-2/color   the key color of the member web-2: anybody reads it, the agent of web-2 alone writes it
//	./a/b         the key a/b of this agent's own member
//
// Conditions on shared keys hold for what this agent knows; between agents the first writer wins
// where a key is written only if there is none, else the last. A number that agents add to is a sum
// of what each added.
//
// # Changes
//
// Changes are numbered from 1 by this agent and kept for a while, so that a client that was cut off
// goes on where it was, or learns that it can't. They coalesce, as Engine.Changes does: of a key
// that is written often, some values are left out, never the newest. Who follows is never waited
// for.
package space
