// Package staleness measures how far replicas are behind, as the Scuttlebutt paper does
// (van Renesse, Dumitriu, Gough, Thomas, LADIS 2008, §5): participants of a world update
// keys of their own, and a mapping is stale while a replica lacks an update of it. Its
// staleness is the age of the first update that is lacking.
//
// The experiments are fuzz/paper and fuzz/flowcontrol.
package staleness
