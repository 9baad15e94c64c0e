package metrics

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"sync"
)

// Parts of HdrHistogram's format V2.
const (
	hdrCookie     = 0x1c849303 | 0x10
	hdrCompressed = 0x1c849304 | 0x10
	hdrDigits     = 3
	hdrMaxCount   = 1<<55 - 1 // what takes no more than the eight bytes of seven bits that binary.AppendVarint shares with the format
)

// hdrEncoder writes the format with buffers of its own, to be used again: a run writes a dozen histograms each
// second, and those of hdrhistogram-go's take 1.5 MB each time, which is as much garbage as all else that a run
// makes. Tests hold what it writes to what that library reads.
type hdrEncoder struct {
	plain  []byte
	packed bytes.Buffer
	zip    *zlib.Writer
}

var hdrEncoders = sync.Pool{New: func() any { return &hdrEncoder{zip: zlib.NewWriter(nil)} }}

var errTooMany = errors.New("histogram: a count is beyond what its format holds")

// appendHdr appends the bins of h in HdrHistogram's V2 format, compressed, in base64.
func appendHdr(to []byte, h *Histogram) ([]byte, error) {
	e := hdrEncoders.Get().(*hdrEncoder)
	defer hdrEncoders.Put(e)
	if err := e.encode(h); err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(to, e.packed.Bytes()), nil
}

func (e *hdrEncoder) encode(h *Histogram) error {
	b := binary.BigEndian.AppendUint32(e.plain[:0], hdrCookie)
	b = binary.BigEndian.AppendUint32(b, 0) // how long the counts are; set below
	b = binary.BigEndian.AppendUint32(b, 0) // no offset
	b = binary.BigEndian.AppendUint32(b, hdrDigits)
	b = binary.BigEndian.AppendUint64(b, minMicros)
	b = binary.BigEndian.AppendUint64(b, maxMicros)
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(1))
	header := len(b)
	_, last := h.span()
	for i := 0; i < last; {
		n := h.bins[i]
		if n > hdrMaxCount {
			return errTooMany
		}
		zeros := 0
		for ; i < last && h.bins[i] == 0; i++ {
			zeros++
		}
		if zeros > 1 {
			b = binary.AppendVarint(b, -int64(zeros))
			continue
		}
		b = binary.AppendVarint(b, int64(n))
		if zeros == 0 {
			i++
		}
	}
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-header))
	e.plain = b

	e.packed.Reset()
	e.packed.Write(make([]byte, 8))
	e.zip.Reset(&e.packed)
	if _, err := e.zip.Write(b); err != nil {
		return err
	}
	if err := e.zip.Close(); err != nil {
		return err
	}
	head := e.packed.Bytes()
	binary.BigEndian.PutUint32(head, hdrCompressed)
	binary.BigEndian.PutUint32(head[4:], uint32(e.packed.Len()-8))
	return nil
}
