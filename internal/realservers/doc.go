// Package realservers tests loadrig against servers that nobody here wrote: Node's ws, Python's websockets,
// and nginx, tinyproxy or microsocks in front of one. The examples are run against those whose protocol they
// speak: Node's ws, graphql-ws and rpc-websockets, Mosquitto and RabbitMQ. Outputs are tested against Prometheus and
// xmllint. A test whose server is not installed skips and says what to install; with CI=true in the environment it
// fails instead.
//
// What may live here: such tests and the few lines that make each server count what it sees. What may
// not: anything that is linked into the binary.
package realservers
