// Command bench measures loadrig's client against others, on the same server in one go, and prints
// figures and their ratios. See README.md beside it for the method.
//
// What may live here: benchmarks of the whole rig, and the clients it is compared with. What may not:
// anything that is linked into loadrig.
package main
