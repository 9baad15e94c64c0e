package scenario

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var small = bounds{bytes: 100, rows: 3, columns: 3, cells: 7}

func TestRows(t *testing.T) {
	type row map[string]string // columns to values; a column that the row lacks is not there
	for _, c := range []struct {
		name, format, text string
		want               []row
		err                string
	}{
		{"plain", "csv", "a,b\n1,2\n3,\n", []row{{"a": "1", "b": "2"}, {"a": "3", "b": ""}}, ""},
		{"quotes, line ends and spaces", "csv", "a,b\r\n\"x,\"\"y\"\"\",\"two\nlines\"\r\n z ,\"\"\r\n", []row{{"a": `x,"y"`, "b": "two\nlines"}, {"a": " z ", "b": ""}}, ""},
		{"byte order mark, empty lines, no last line end", "csv", "\xef\xbb\xbfa\n\n1\n\n2", []row{{"a": "1"}, {"a": "2"}}, ""},
		{"a column with a dot", "csv", "a.b\n1\n", []row{{"a.b": "1"}}, ""},
		{"JSON lines", "jsonl", "{\"a\": 1.50, \"b\": {\"c\": [1, 2]}}\r\n\n {\"a\": \"x\\n\\u00fc\"} ", []row{{"a": "1.50", "b": `{"c": [1, 2]}`, "b.c.1": "2"}, {"a": "x\nü"}}, ""},
		{"JSON values", "jsonl", `{"a": null, "b": true, "c": ""}`, []row{{"a": "", "b": "true", "c": ""}}, ""},
		{"byte order mark in JSON", "jsonl", "\xef\xbb\xbf{\"a\": 1}", []row{{"a": "1"}}, ""},
		{"as many as may be", "csv", "a\n1\n2\n3\n", []row{{"a": "1"}, {"a": "2"}, {"a": "3"}}, ""},

		{"too many rows", "csv", "a\n1\n2\n3\n4\n", nil, "x:5: got more than 3 rows, want at most that"},
		{"too many JSON rows", "jsonl", strings.Repeat("{}\n", 4), nil, "x:4: got more than 3 rows, want at most that"},
		{"too many fields", "csv", "a,b,c\n1,2,3\n1,2,3\n1,2,3\n", nil, "x:4: got more than 7 fields, want at most that; leave out columns that are not used"},
		{"too many columns", "csv", "a,b,c,d\n", nil, "x:1: got 4 columns, want at most 3"},
		{"too many keys", "jsonl", "{\"a\": 1, \"b\": 2}\n{\"c\": 1, \"d\": 2}\n", nil, "x:2: got more than 3 different keys with this line, want at most that"},
		{"too long", "csv", "a\n" + strings.Repeat("x", 99) + "\n", nil, "x: got more than 100 bytes, want at most that"},
		{"too long in one quote", "csv", "a\n\"" + strings.Repeat("x", 1000), nil, "x: got more than 100 bytes, want at most that"},
		{"too long a line", "jsonl", strings.Repeat("[", 1000), nil, "x: got more than 100 bytes, want at most that"},
		{"text behind a quote", "csv", "a\n\"x\"y\n", nil, "x:2:3: got a quoted field that is not closed, or text behind one that is; want quotes in it doubled"},
		{"nothing but a mark", "csv", "\xef\xbb\xbf", nil, "x: got an empty file, want a header line with the names of the columns, and rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := readRows(strings.NewReader(c.text), "x", c.format, small)
			if got := fmt.Sprint(err); err != nil || c.err != "" {
				if got != c.err {
					t.Fatalf("got error %q, want %q", got, c.err)
				}
				return
			}
			var got []row
			for i := range r.Len() {
				values := row{}
				for column := range c.want[i] {
					if v, ok := r.Value(i, column); ok {
						values[column] = v
					}
				}
				got = append(got, values)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if _, ok := r.Value(0, "nothing"); ok || r.Has("nothing") {
				t.Error("there is a column called nothing")
			}
		})
	}
}

// TestRowsFail: an error of the file system is passed on.
func TestRowsFail(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, format := range []string{"csv", "jsonl"} {
		in := &failingReader{text: "a\n1\n", err: broken}
		if format == "jsonl" {
			in.text = "{}\n"
		}
		if _, err := readRows(in, "x", format, small); !errors.Is(err, broken) {
			t.Errorf("%s: got %v, want %v", format, err, broken)
		}
	}
}

type failingReader struct {
	text string
	err  error
}

func (r *failingReader) Read(b []byte) (int, error) {
	if r.text == "" {
		return 0, r.err
	}
	n := copy(b, r.text)
	r.text = r.text[n:]
	return n, nil
}

// TestRowsDeep: lines that are nested without end are refused, and not by a full stack.
func TestRowsDeep(t *testing.T) {
	_, err := readRows(strings.NewReader(strings.Repeat("[", 1<<20)), "x", "jsonl", fileBounds)
	if want := "x:1: got a line that is no JSON: invalid character '[' exceeded max depth"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestRowsHuge: a file that is too large is not read at all.
func TestRowsHuge(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "x.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(MaxRowsFile+1), f.Close()); err != nil { // sparse
		t.Fatal(err)
	}
	_, err = LoadRows(dir, "x.csv", "")
	if want := "x.csv: got 268435457 bytes, want at most 268435456"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRowsTypes(t *testing.T) {
	csv, err := readRows(strings.NewReader("a,b\n1,\"x\"\"\n\"\n"), "x", "csv", fileBounds)
	if err != nil {
		t.Fatal(err)
	}
	jsonl, err := readRows(strings.NewReader(`{"a": 1, "b": {"c": "x"}, "d": null}`), "x", "jsonl", fileBounds)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rows   *Rows
		column string
		want   string
		ok     bool
	}{
		{csv, "a", `:"1"`, true},
		{csv, "b", `:"x\"\n"`, true},
		{csv, "c", ":", false},
		{jsonl, "a", ":1", true},
		{jsonl, "b", `:{"c": "x"}`, true},
		{jsonl, "b.c", `:"x"`, true},
		{jsonl, "d", ":null", true},
		{jsonl, "e", ":", false},
	} {
		if got, ok := c.rows.AppendJSON([]byte(":"), 0, c.column); string(got) != c.want || ok != c.ok {
			t.Errorf("%s: got %s, %v, want %s, %v", c.column, got, ok, c.want, c.ok)
		}
	}
	if diff := cmp.Diff(map[string]any{"a": "1", "b": "x\"\n"}, csv.Object(0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"a": 1.0, "b": map[string]any{"c": "x"}, "d": nil}, jsonl.Object(0)); diff != "" {
		t.Error(diff)
	}
}

// TestRowsAllocate: players read rows without allocating.
func TestRowsAllocate(t *testing.T) {
	csv, err := LoadRows("testdata/good", "data/users.csv", "")
	if err != nil {
		t.Fatal(err)
	}
	jsonl, err := LoadRows("testdata/good", "data/people.jsonl", "")
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = csv.Value(1, "city")
		_, _ = jsonl.Value(0, "address.city")
		dst, _ = csv.AppendJSON(dst[:0], 0, "name")
		dst, _ = jsonl.AppendJSON(dst, 0, "address")
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func FuzzRows(f *testing.F) {
	f.Add("a,b\n1,2\n", true)
	f.Add("a\n\"x\"\"\"\n", true)
	f.Add("{\"a\": 1}\n{\"b\": {\"c\": []}}\n", false)
	f.Add("\xef\xbb\xbf{}\n", false)
	most := bounds{bytes: 1 << 16, rows: 1000, columns: 100, cells: 10_000}
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		format := "jsonl"
		if csv {
			format = "csv"
		}
		r, err := readRows(strings.NewReader(text), "x", format, most)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x:") {
				t.Fatalf("error %q does not begin with the file's name", err)
			}
			return
		}
		if r.Len() < 1 || r.Len() > most.rows || len(r.columns) > most.columns {
			t.Fatalf("got %d rows of %d columns", r.Len(), len(r.columns))
		}
		for column := range r.columns {
			for _, row := range []int{0, r.Len() - 1} {
				_, ok := r.Value(row, column)
				if _, ok2 := r.AppendJSON(nil, row, column); ok != ok2 || csv && !ok {
					t.Fatalf("row %d has column %q: %v and %v", row, column, ok, ok2)
				}
			}
		}
		_ = r.Object(0)
	})
}
