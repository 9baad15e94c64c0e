// Package cli is the command line: subcommands, flags, environment, signals and exit codes.
//
// stdout is data, stderr is talk. A value comes from its flag, else from the environment (LOADRIG_ and
// the flag's name in capitals), else from its default. Errors are one line that names the flag, what was
// wanted, what was got, and the remedy.
//
// What may live here: reading what the user asked for, and telling him what came of it. What may not:
// anything that a user of the library would want too.
package cli
