// Package web is the front of an agent for HTTP: what the commands of qn ask for, keys for curl,
// streams of changes, and metrics.
//
//	GET    /v1/status  /v1/members  /v1/lag  /v1/digest  /v1/stats  /v1/keys
//	GET    /v1/why/{member}    POST /v1/ping/{member}    POST /v1/forget/{member}    POST /v1/leave
//	GET    /v1/kv?prefix=&member=
//	GET    /v1/kv/{name}       the entry; with ?raw the bytes of the value
//	PUT    /v1/kv/{name}       the body is the value; ?ttl=10s, ?absent, ?present
//	DELETE /v1/kv/{name}
//	GET    /v1/trace/{name}    when, and from whom, each agent learned the newest version
//	GET    /v1/watch?prefix=&snapshot   changes: NDJSON, or server-sent events, which resume by Last-Event-ID
//	POST   /v1/keys/{install|use|remove}
//	GET    /metrics  /livez  /readyz
//	GET    /                   this list
//
// # Who may ask
//
// On a unix socket, who may open the file. On loopback everybody on the machine, unless there is a
// token; beyond loopback a token is required. A browser is kept from being a tool of other sites:
// the Host must be an address or a name that the agent was told, and what asks must not be a page
// of another origin. A link from there may be followed.
//
// # Events of a watch
//
// "entry" is a key of the snapshot, "whole" follows the last of them, "change" is a change. "resync"
// says that changes were missed and a snapshot follows: what is not in it is gone. Who comes back
// with the id of its last event, as browsers do, misses nothing: the id of a snapshot that was cut
// off before "whole" brings a "resync".
//
// # Who is slow
//
// A watch that can't be written for ten seconds is closed. Changes wait for nobody: a watch that
// falls behind more than space.LogMax changes gets a "resync" and begins with a snapshot.
package web
