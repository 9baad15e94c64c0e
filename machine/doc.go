// Package machine knows what this machine and process allow: descriptors, local ports, memory, cores,
// and so how many connections fit, and which limit binds first. And it samples what they are using.
//
// What may live here: reading limits and usage, and arithmetic on them. What may not: changing any of them,
// sockets that reach anybody, or what to do about a run that does not fit, or does not keep up.
package machine
