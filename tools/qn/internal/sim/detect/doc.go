// Package detect is "qn sim detect" and "qn sim paper lifeguard": the failure
// detector alone, in virtual time. The simulation is in fuzz/detect.
package detect
