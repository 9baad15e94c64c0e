package scenario

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// What a file of rows may take.
const (
	MaxRowsFile = 256 << 20  // bytes
	MaxRows     = 10_000_000 // rows
	MaxColumns  = 1000       // columns
	maxCells    = 64 << 20   // rows times columns; each takes four bytes
)

// bounds are those above, for tests to make small.
type bounds struct{ bytes, rows, columns, cells int }

var fileBounds = bounds{MaxRowsFile, MaxRows, MaxColumns, maxCells}

// Rows are the rows of a data file: one copy, which is never changed and so may be read by many at once.
type Rows struct {
	columns map[string]int // names to places; of JSON lines, the keys that any of them has
	width   int            // cells in a row; of JSON lines 1, the line
	text    string         // the cells, one after another
	ends    []uint32       // where each ends
	json    bool

	loading strings.Builder // of text
}

// LoadRows reads a data file, from dir if its path is relative: CSV (RFC 4180) whose first line has the
// names of the columns, or an object of JSON in each line. format is csv or jsonl; if it is empty, the file's
// name says. Errors begin with the name and, where there is one, the line.
func LoadRows(dir, name, format string) (*Rows, error) {
	if format == "" {
		switch ext := strings.ToLower(filepath.Ext(name)); ext {
		case ".csv":
			format = "csv"
		case ".jsonl", ".ndjson":
			format = "jsonl"
		default:
			return nil, fmt.Errorf("%s: got the ending %q, want .csv, .jsonl or .ndjson; or say the format", name, ext)
		}
	}
	f, size, err := openFile(dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > MaxRowsFile {
		return nil, fmt.Errorf("%s: got %d bytes, want at most %d", name, size, MaxRowsFile)
	}
	return readRows(f, name, format, fileBounds)
}

// fileError says why a file could not be opened, without its path, which the message names already.
func fileError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such file", name)
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func readRows(in io.Reader, name, format string, most bounds) (*Rows, error) {
	limited := &io.LimitedReader{R: in, N: int64(most.bytes) + 1}
	buffered := bufio.NewReaderSize(limited, 1<<16)
	if b, _ := buffered.Peek(3); bytes.Equal(b, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
	}
	r := &Rows{columns: make(map[string]int)}
	var err error
	if format == "csv" {
		err = r.readCSV(buffered, name, most)
	} else {
		err = r.readJSON(buffered, name, most)
	}
	switch {
	case limited.N == 0:
		return nil, fmt.Errorf("%s: got more than %d bytes, want at most that", name, most.bytes)
	case err != nil:
		return nil, err
	}
	r.text = r.loading.String()
	r.loading = strings.Builder{}
	return r, nil
}

func (r *Rows) readCSV(in io.Reader, name string, most bounds) error {
	c := csv.NewReader(in)
	c.ReuseRecord = true
	c.FieldsPerRecord = -1 // counted here, for a message of our own
	header, err := c.Read()
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s: got an empty file, want a header line with the names of the columns, and rows", name)
	case err != nil:
		return csvError(name, err)
	case len(header) > most.columns:
		return fmt.Errorf("%s:1: got %d columns, want at most %d", name, len(header), most.columns)
	}
	for i, column := range header {
		if column == "" || !utf8.ValidString(column) {
			return fmt.Errorf("%s:1: got %q for the name of column %d, want a text", name, column, i+1)
		}
		if _, twice := r.columns[column]; twice {
			return fmt.Errorf("%s:1: column %q is there twice", name, clip(column, 60))
		}
		r.columns[column] = i
	}
	r.width = len(header)
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return csvError(name, err)
		}
		line, _ := c.FieldPos(0)
		if len(record) != r.width {
			return fmt.Errorf("%s:%d: got %d fields, want %d, as the header line has", name, line, len(record), r.width)
		}
		for i, field := range record {
			if !utf8.ValidString(field) {
				line, column := c.FieldPos(i)
				return fmt.Errorf("%s:%d:%d: got bytes that are no UTF-8, want the file in that encoding", name, line, column)
			}
			r.add(field)
		}
		if err := r.fit(name, line, most); err != nil {
			return err
		}
	}
	if r.Len() == 0 {
		return fmt.Errorf("%s: got a header line and no rows, want one or more", name)
	}
	return nil
}

// csvError words what encoding/csv refused.
func csvError(name string, err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return fmt.Errorf("%s: %w", name, err)
	}
	why := p.Err.Error()
	switch {
	case errors.Is(p.Err, csv.ErrBareQuote):
		why = "got a quote in a field without quotes around it, want the field quoted and the quotes in it doubled"
	case errors.Is(p.Err, csv.ErrQuote):
		why = "got a quoted field that is not closed, or text behind one that is; want quotes in it doubled"
	}
	return fmt.Errorf("%s:%d:%d: %s", name, p.Line, p.Column, why)
}

func (r *Rows) add(cell string) {
	r.loading.WriteString(cell)
	r.ends = append(r.ends, uint32(r.loading.Len()))
}

// fit tells when rows are too many.
func (r *Rows) fit(name string, line int, most bounds) error {
	if r.Len() > most.rows {
		return fmt.Errorf("%s:%d: got more than %d rows, want at most that", name, line, most.rows)
	}
	if len(r.ends) > most.cells {
		return fmt.Errorf("%s:%d: got more than %d fields, want at most that; leave out columns that are not used", name, line, most.cells)
	}
	return nil
}

func (r *Rows) readJSON(in *bufio.Reader, name string, most bounds) error {
	r.json, r.width = true, 1
	var text []byte
	for line := 1; ; line++ {
		text = text[:0]
		var err error
		for {
			var part []byte
			part, err = in.ReadSlice('\n')
			text = append(text, part...)
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", name, err)
		}
		if object := bytes.TrimSpace(text); len(object) > 0 {
			if err := r.addJSON(object, most); err != nil {
				return fmt.Errorf("%s:%d: %w", name, line, err)
			}
			if err := r.fit(name, line, most); err != nil {
				return err
			}
		}
		if err != nil {
			break
		}
	}
	if r.Len() == 0 {
		return fmt.Errorf("%s: got an empty file, want an object of JSON in each line", name)
	}
	return nil
}

func (r *Rows) addJSON(object []byte, most bounds) error {
	if !utf8.Valid(object) {
		return errors.New("got bytes that are no UTF-8, want the file in that encoding")
	}
	if !json.Valid(object) {
		var raw json.RawMessage
		return fmt.Errorf("got a line that is no JSON: %w", json.Unmarshal(object, &raw))
	}
	if object[0] != '{' {
		return fmt.Errorf("got %s, want an object of JSON, as {\"name\": \"ann\"}", clip(string(object), 40))
	}
	r.add(string(object))
	gjson.ParseBytes(object).ForEach(func(key, _ gjson.Result) bool {
		if _, ok := r.columns[key.Str]; !ok {
			r.columns[strings.Clone(key.Str)] = len(r.columns)
		}
		return len(r.columns) <= most.columns
	})
	if len(r.columns) > most.columns {
		return fmt.Errorf("got more than %d different keys with this line, want at most that", most.columns)
	}
	return nil
}

// Len is how many rows there are; one or more.
func (r *Rows) Len() int { return len(r.ends) / r.width }

// Has tells whether there is such a column: in JSON lines, whether any of them has the first key of a path,
// as address.city.
func (r *Rows) Has(column string) bool {
	if _, ok := r.columns[column]; ok {
		return true
	}
	first, _, nested := strings.Cut(column, ".")
	_, ok := r.columns[first]
	return ok && nested && r.json
}

func (r *Rows) cell(i int) string {
	from := uint32(0)
	if i > 0 {
		from = r.ends[i-1]
	}
	return r.text[from:r.ends[i]]
}

// Value gives what a row has in a column: of JSON lines, texts without their quotes, null as nothing, all
// else as JSON. It is not ok if the row has no such key. The text is a part of the shared copy, unless it
// has escapes.
func (r *Rows) Value(row int, column string) (value string, ok bool) {
	if !r.json {
		i, ok := r.columns[column]
		if !ok {
			return "", false
		}
		return r.cell(row*r.width + i), true
	}
	switch v := gjson.Get(r.cell(row), column); v.Type {
	case gjson.String:
		return v.Str, true
	case gjson.Null:
		return "", v.Exists()
	default:
		return v.Raw, true
	}
}

// AppendJSON adds what a row has in a column as JSON: of JSON lines a value of its own type, of CSV a text.
func (r *Rows) AppendJSON(dst []byte, row int, column string) (_ []byte, ok bool) {
	if r.json {
		v := gjson.Get(r.cell(row), column)
		return append(dst, v.Raw...), v.Exists()
	}
	s, ok := r.Value(row, column)
	if !ok {
		return dst, false
	}
	return gjson.AppendJSONString(dst, s), true
}

// Object gives a whole row, its columns by name, as expressions see it. It allocates.
func (r *Rows) Object(row int) map[string]any {
	if r.json {
		m, _ := gjson.Parse(r.cell(row)).Value().(map[string]any)
		return m
	}
	m := make(map[string]any, len(r.columns))
	for name, i := range r.columns {
		m[name] = r.cell(row*r.width + i)
	}
	return m
}
