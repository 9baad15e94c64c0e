package scenario

import "encoding/json"

// schemas collects the parts of the JSON schema that refer to themselves.
type schemas struct{ defs map[string]any }

// object describes a mapping by its table of fields.
func (d *schemas) object(fields []field) map[string]any {
	properties := make(map[string]any)
	var required []string
	for _, f := range fields {
		s := f.value.schema(d)
		if f.doc != "" {
			s["description"] = f.doc
		}
		if p := preset(f.value); p != nil {
			s["default"] = p
		}
		properties[f.name] = s
		if f.required {
			required = append(required, f.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// preset gives the default of a value, nil if it has none of its own.
func preset(v value) any {
	switch v := v.(type) {
	case text:
		return unlessZero(*v.to)
	case choice:
		return unlessZero(*v.to)
	case integer:
		if *v.to >= v.min {
			return unlessZero(*v.to)
		}
	case number:
		return unlessZero(*v.to)
	case duration:
		if *v.to > 0 {
			return v.to.String()
		}
	}
	return nil
}

func unlessZero[T comparable](v T) any {
	if v == *new(T) {
		return nil
	}
	return v
}

// define gives a reference to a part, which make describes the first time.
func (d *schemas) define(name string, make func() map[string]any) map[string]any {
	if _, ok := d.defs[name]; !ok {
		d.defs[name] = nil // so that what refers to itself ends
		d.defs[name] = make()
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

// Schema gives the JSON schema (draft 2020-12) of scenario files, for editors.
func Schema() []byte {
	d := &schemas{defs: make(map[string]any)}
	s := d.object(new(File).fields())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = "urn:loadrig:scenario:v1"
	s["title"] = "loadrig scenario"
	s["$defs"] = d.defs
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // maps and strings only
	}
	return append(b, '\n')
}
