// Package apart runs the tour of qn demo with each member as a process of its own, an agent: a kill
// is SIGKILL, and cuts and loss are made by a path in user space that every datagram takes. What is
// measured is what the agents tell over their own HTTP fronts, as any client would ask.
package apart
