// Package layering is the test that holds the house together: which package may import which, and why.
//
// What may live here: checks of the source as a whole. What may not: anything but tests.
package layering
