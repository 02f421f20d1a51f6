// Package agent is one member as a process: an engine, its fronts, and what an operator expects of
// a daemon: settings from flags, environment and a file, signals, systemd's notifications, health.
//
// # Settings
//
// A flag goes before the variable QN_ with its name in capitals (--http-token-file is
// QN_HTTP_TOKEN_FILE), that before the TOML file of --config, where the key is the flag's name with
// _ for - (http_token_file). Unknown keys are refused with the nearest known one.
//
// # Signals
//
// SIGTERM and SIGINT leave the cluster, within --leave-timeout, and end the process; a second one
// ends it at once. SIGHUP reads the file again: tags are replaced, keys that are new are accepted
// (removing one is a step of its own, see qn keys).
package agent
