package timeline

import (
	"math"
	"strconv"
)

// Figures is a table of figures. Its JSON is a list of lists, with null for what there is nothing of.
type Figures struct {
	columns []column
	data    [][]float64 // by column
	byRow   bool        // the JSON's outer list is of rows, not of columns
}

// MarshalJSON implements json.Marshaler. Counts have all their digits, other figures four that mean something,
// as histograms have three.
func (f Figures) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	if !f.byRow {
		for i, list := range f.data {
			b = open(b, i)
			for k, v := range list {
				b = f.columns[i].append(comma(b, k), v)
			}
			b = append(b, ']')
		}
		return append(b, ']'), nil
	}
	rows := 0
	if len(f.data) > 0 {
		rows = len(f.data[0])
	}
	for k := range rows {
		b = open(b, k)
		for i := range f.data {
			b = f.columns[i].append(comma(b, i), f.data[i][k])
		}
		b = append(b, ']')
	}
	return append(b, ']'), nil
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func open(b []byte, i int) []byte { return append(comma(b, i), '[') }

// append writes a figure.
func (c *column) append(b []byte, v float64) []byte {
	switch {
	case v != v || math.IsInf(v, 0):
		return append(b, "null"...)
	case c.counts || v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.AppendFloat(b, v, 'f', 0, 64)
	case c.merging == first || c.merging == last: // when: to 1 ms, however long the run is
		return strconv.AppendFloat(b, math.Round(v*1e3)/1e3, 'f', -1, 64)
	default:
		return strconv.AppendFloat(b, v, 'g', 4, 64)
	}
}

// Cells is the cells of heat maps. Its JSON is a list for each subject, of a list for each row: bin, count, bin, count.
type Cells struct {
	lists [][][]heatCell // by subject and row
}

// MarshalJSON implements json.Marshaler.
func (c Cells) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, rows := range c.lists {
		b = open(b, i)
		for k, cells := range rows {
			b = open(b, k)
			for j, cell := range cells {
				b = strconv.AppendUint(comma(b, j), uint64(cell.bin), 10)
				b = strconv.AppendUint(append(b, ','), cell.count, 10)
			}
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	return append(b, ']'), nil
}
