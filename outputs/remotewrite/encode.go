package remotewrite

import (
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/loadrig/loadrig/metrics"
)

// encoder writes a WriteRequest of remote write 1.0, as prometheus/prompb has it: remote.proto and types.proto.
type encoder struct {
	out    []byte
	one    []byte // a TimeSeries
	nested []byte
}

type sample struct {
	at    int64 // ms since the epoch
	value float64
}

type native struct {
	at int64
	h  *dto.Histogram
}

// Fields of the messages.
const (
	requestSeries = 1

	seriesLabel     = 1
	seriesSample    = 2
	seriesHistogram = 4

	labelName  = 1
	labelValue = 2

	sampleValue = 1
	sampleTime  = 2

	histogramCount         = 1
	histogramSum           = 3
	histogramSchema        = 4
	histogramZeroThreshold = 5
	histogramZeroCount     = 6
	histogramSpan          = 11
	histogramDelta         = 12
	histogramTime          = 15

	spanOffset = 1
	spanLength = 2
)

// encodeLabels writes the labels of a series, which must be by name.
func encodeLabels(labels []metrics.Label) (b []byte) {
	for _, l := range labels {
		one := text(nil, labelName, l.Name)
		one = text(one, labelValue, strings.ToValidUTF8(l.Value, "\uFFFD"))
		b = protowire.AppendBytes(protowire.AppendTag(b, seriesLabel, protowire.BytesType), one)
	}
	return b
}

// series adds a series, with the labels that encodeLabels gave, and samples by time.
func (e *encoder) series(labels []byte, samples []sample, natives []native) {
	e.one = append(e.one[:0], labels...)
	for _, s := range samples {
		b := double(e.nested[:0], sampleValue, s.value)
		e.nest(seriesSample, whole(b, sampleTime, uint64(s.at)))
	}
	for _, n := range natives {
		e.nest(seriesHistogram, histogram(e.nested[:0], n))
	}
	e.out = protowire.AppendTag(e.out, requestSeries, protowire.BytesType)
	e.out = protowire.AppendBytes(e.out, e.one)
}

// nest adds a message to the series; b is of nested.
func (e *encoder) nest(field protowire.Number, b []byte) {
	e.nested = b
	e.one = protowire.AppendTag(e.one, field, protowire.BytesType)
	e.one = protowire.AppendBytes(e.one, b)
}

func histogram(b []byte, n native) []byte {
	b = whole(b, histogramCount, n.h.GetSampleCount())
	b = double(b, histogramSum, n.h.GetSampleSum())
	b = whole(b, histogramSchema, protowire.EncodeZigZag(int64(n.h.GetSchema())))
	b = double(b, histogramZeroThreshold, n.h.GetZeroThreshold())
	b = whole(b, histogramZeroCount, n.h.GetZeroCount())
	for _, s := range n.h.PositiveSpan {
		span := whole(nil, spanOffset, protowire.EncodeZigZag(int64(s.GetOffset())))
		span = whole(span, spanLength, uint64(s.GetLength()))
		b = protowire.AppendTag(b, histogramSpan, protowire.BytesType)
		b = protowire.AppendBytes(b, span)
	}
	var deltas []byte
	for _, d := range n.h.PositiveDelta {
		deltas = protowire.AppendVarint(deltas, protowire.EncodeZigZag(d))
	}
	b = protowire.AppendTag(b, histogramDelta, protowire.BytesType) // packed
	b = protowire.AppendBytes(b, deltas)
	return whole(b, histogramTime, uint64(n.at))
}

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func double(b []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}

func whole(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}
