// Package otlp sends a run to whatever takes the metrics of OpenTelemetry's protocol over HTTP, while it happens or
// when it is read again. It is opt-in: who does not import it does not link it.
//
// The messages are OpenTelemetry's own module; its package of the collector's service has gRPC in it, and so is not
// used: a MetricsData has the bytes of an ExportMetricsServiceRequest. The SDK is not used either: it asks for
// figures by a clock of its own, and a run that is read again has none.
//
// What may live here: that protocol. What may not: queues and HTTP, which are outputs/push's.
package otlp
