// Package paper is "qn sim paper": the experiments of the epidemic papers, run on
// the leaf that an engine decides with, printed beside the published figures and
// written as JSON, CSV and plots. The experiments themselves are in fuzz/epidemic.
package paper
