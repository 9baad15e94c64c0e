package terminal

import (
	"math"
	"strings"
)

// part is one part of a stacked bar.
type part struct {
	value float64
	glyph string
	style style
}

// bar draws parts of a whole in so many columns. A part that is there has a column, however small it is, as far as
// there is room.
func (p *painter) bar(parts []part, whole float64, columns int) line {
	sum := 0.0
	for _, one := range parts {
		sum += max(0, one.value)
	}
	whole = max(whole, sum)
	if columns <= 0 || whole <= 0 {
		return line{{spaces(columns), plain}}
	}
	cells, left := make([]int, len(parts)), columns
	for i, one := range parts {
		if n := int(max(0, one.value) / whole * float64(columns)); n > 0 {
			cells[i] = n
		} else if one.value > 0 {
			cells[i] = 1
		}
		left -= cells[i]
	}
	for left < 0 { // the largest gives way to the smallest
		most := 0
		for i := range cells {
			if cells[i] > cells[most] {
				most = i
			}
		}
		cells[most]--
		left++
	}
	if left > 0 && sum >= whole { // what is lost by rounding goes to the largest
		most := 0
		for i := range parts {
			if parts[i].value > parts[most].value {
				most = i
			}
		}
		cells[most] += left
		left = 0
	}
	var l line
	for i, one := range parts {
		if cells[i] > 0 {
			l = append(l, span{strings.Repeat(one.glyph, cells[i]), one.style})
		}
	}
	return append(l, span{spaces(left), plain})
}

// heights gives the height of each value, of so many in all, and at least 1; 0 for what is no value.
func heights(values []float64, levels int) (heights []int, most float64) {
	for _, v := range values {
		if !math.IsNaN(v) {
			most = max(most, v)
		}
	}
	for _, v := range values {
		h := 0
		if !math.IsNaN(v) {
			h = 1
			if most > 0 {
				h = min(levels, 1+int(max(0, v)/most*float64(levels)*0.9999))
			}
		}
		heights = append(heights, h)
	}
	return heights, most
}

// spark draws values in one row, from 0 on, the newest at the right.
func (p *painter) spark(values []float64) string {
	hs, _ := heights(values, len(p.steps))
	var b strings.Builder
	for _, h := range hs {
		if h == 0 {
			b.WriteByte(' ')
		} else {
			b.WriteString(p.steps[h-1])
		}
	}
	return b.String()
}

// axis is how wide the names of a chart's ends are, with a space.
const axis = 8

// chart draws values in several rows, with the greatest of them named beside the first, and 0 beside the last.
func (p *painter) chart(values []float64, columns, rows int, name func(float64) string) []line {
	hs, most := heights(values, rows*len(p.steps))
	room := columns - axis
	if room <= 0 || rows <= 0 {
		return nil
	}
	hs = hs[max(0, len(hs)-room):]
	lines := make([]line, rows)
	for row := range lines {
		end := ""
		switch row {
		case 0:
			end = name(most)
		case rows - 1:
			end = "0"
		}
		floor := (rows - 1 - row) * len(p.steps)
		var b strings.Builder
		for _, h := range hs {
			switch above := h - floor; {
			case above <= 0:
				b.WriteByte(' ')
			case above >= len(p.steps):
				b.WriteString(p.steps[len(p.steps)-1])
			default:
				b.WriteString(p.steps[above-1])
			}
		}
		lines[row] = line{{p.right(end, axis-1) + " ", faint}, {b.String(), accent}}
	}
	return lines
}
