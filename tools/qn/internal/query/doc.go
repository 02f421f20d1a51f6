// Package query asks all agents of a cluster one question and collects their answers: for commands
// that concern the whole cluster, such as to replace a key. Questions and answers are broadcasts of
// the engine, sealed like all its traffic; a question is asked again until every live member has
// answered or the time is over, and each agent acts on it once.
package query
