// Package deploy has what it takes to operate agents: a systemd unit, a container file, Kubernetes
// manifests, a Grafana dashboard and alert rules. Its test holds the names of metrics in them
// against those that an agent prints, and their settings against the flags of qn agent.
package deploy
