// Package accuracy is a test only: what a run reports is held to the truth, which is the log of a server that
// delays its answers by known laws, or the schedule of a standstill, be it the server's or the rig's own. Rig and
// server are processes of their own, as a user has them.
//
// What may live here: runs whose truth is known, and the arithmetic of that truth. What may not: anything that
// is linked into the binary.
package accuracy
