package authctx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is the JSON object of a token endpoint. Its errors name fields that were asked for, and
// never what the endpoint wrote.
type answer map[string]any

func parseAnswer(body []byte) (answer, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var a answer
	if err := d.Decode(&a); err != nil || a == nil {
		return nil, fmt.Errorf("got %d bytes that are no JSON object, want one", len(body))
	}
	return a, nil
}

// field follows a dotted path; nil if it leads nowhere.
func (a answer) field(path string) any {
	var at any = map[string]any(a)
	for name := range strings.SplitSeq(path, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[name]
	}
	return at
}

// usualFields are the names that tokens go by; those present make the hint when the right one is not.
var usualFields = []string{"access_token", "token", "id_token", "accessToken", "idToken", "jwt", "data", "result"}

func (a answer) token(path string) (string, error) {
	switch v := a.field(path).(type) {
	case string:
		return v, nil
	case nil:
		var hint []string
		for _, name := range usualFields {
			if _, ok := a[name]; ok && name != path {
				hint = append(hint, strconv.Quote(name))
			}
		}
		if hint != nil {
			return "", fmt.Errorf("got no field %q, want the token there: the answer has %s", path, strings.Join(hint, ", "))
		}
		return "", fmt.Errorf("got no field %q, want the token there", path)
	default:
		return "", fmt.Errorf("got a field %q that is no string, want the token there", path)
	}
}

// code gives the error code of RFC 6749 §5.2, if there is one.
func (a answer) code() string {
	s, _ := a["error"].(string)
	return s
}

// expiry reads the expiry of a token that was asked for at start: an instant, or else a number of
// seconds. Zero if the answer has neither.
func (a answer) expiry(atPath, inPath string, start time.Time) (time.Time, error) {
	if atPath != "" {
		if v := a.field(atPath); v != nil {
			return instant(atPath, v)
		}
	}
	if inPath == "" {
		return time.Time{}, nil
	}
	v := a.field(inPath)
	if v == nil {
		return time.Time{}, nil
	}
	s, err := seconds(v)
	if err != nil {
		return time.Time{}, fmt.Errorf("field %q: %w of seconds", inPath, err)
	}
	if s <= 0 {
		return time.Time{}, nil // as good as saying nothing; endpoints do it
	}
	const century = 100 * 365 * 24 * 3600 // time.Duration ends at 292 years
	return start.Add(time.Duration(min(s, century) * float64(time.Second))), nil
}

// instant reads seconds since 1970 or RFC 3339.
func instant(path string, v any) (time.Time, error) {
	if text, ok := v.(string); ok {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at, nil
		}
	}
	s, err := seconds(v)
	if err == nil {
		if at, ok := unixSeconds(s); ok {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("field %q: got no instant, want seconds since 1970 or RFC 3339", path)
}

var errNoNumber = errors.New("got no number, want a number")

// seconds reads a JSON number, or a string with one, as some endpoints write it.
func seconds(v any) (float64, error) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(s) || math.IsInf(s, 0) {
		return 0, errNoNumber
	}
	return s, nil
}

// jsonBody is a JSON value whose strings are templates.
type jsonBody struct{ value any }

// compileBody takes anything that marshals to JSON.
func compileBody(v any, need *demand) (*jsonBody, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, errors.New("does not marshal to JSON")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // numbers pass through digit by digit
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, errors.New("does not marshal to JSON")
	}
	tree, err = compileTree(tree, need)
	return &jsonBody{tree}, err
}

func compileTree(v any, need *demand) (any, error) {
	var err error
	switch v := v.(type) {
	case string:
		t, err := parseTemplate(v)
		need.add(t)
		return t, err
	case []any:
		for i := range v {
			if v[i], err = compileTree(v[i], need); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[string]any:
		for name := range v {
			if v[name], err = compileTree(v[name], need); err != nil {
				return nil, err
			}
		}
		return v, nil
	default:
		return v, nil
	}
}

func (b *jsonBody) expand(r Request) ([]byte, error) { return json.Marshal(expandTree(b.value, r)) }

// expandTree leaves the compiled tree as it is: requests share it.
func expandTree(v any, r Request) any {
	switch v := v.(type) {
	case template:
		return v.expand(r, nil)
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = expandTree(out[i], r)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = expandTree(v[name], r)
		}
		return out
	default:
		return v
	}
}
