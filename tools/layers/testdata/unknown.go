//layers:package engine/gossip
//layers:want package engine/gossip has no row: add one to tools/layers/rules.go

package planted
