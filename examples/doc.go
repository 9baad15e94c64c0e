// Package examples holds scenarios to read, to run and to begin with; loadrig init writes them, and the tests
// run each against a server that nobody here wrote.
//
// What may live here: the scenarios, the list of them, and programs that use loadrig as a library, each in a
// folder of its own. What may not: anything that loadrig needs to run.
package examples
