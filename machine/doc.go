// Package machine knows what this machine and process allow: descriptors, local ports, memory, cores,
// and so how many connections fit, and which limit binds first.
//
// What may live here: reading limits, and arithmetic on them. What may not: changing any of them, sockets
// that reach anybody, or what to do about a run that does not fit.
package machine
