// Package scenario is the scenario file: what it may say, what is wrong with it, and the program that each
// player runs.
//
// [Load] reads a file in YAML or JSON, reports every mistake at once with its place, and compiles the steps
// of each population to a [Program]: a flat list of instructions, with templates cut into segments,
// expressions and patterns compiled, and variables numbered. One table of fields per section drives reading,
// checking and the JSON schema alike ([Schema]), so that they cannot drift apart.
//
// What may live here: the file's words and their meaning. What may not: a clock, sockets, players, flags, or
// anything that runs a program.
package scenario
