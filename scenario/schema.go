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
