// Package wstest is the kit for tests: servers on loopback that behave, and servers that do not, each in
// a few lines. They are real: bytes cross real sockets, or an in-memory pipe where a test runs in a
// synctest bubble.
//
// What may live here: test doubles and checks for tests. What may not: anything that is linked into the
// binary.
package wstest
