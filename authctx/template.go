package authctx

import (
	"fmt"
	"strings"
)

// template is text with placeholders for what a token is asked for: {user_id}, {organization_id},
// {project_id}, {world_id}, {launch_context_id}, {scope} and {client_type}. {{ stands for {. Braces
// around anything but lower case letters and underscores are text.
type template struct {
	parts  []part
	ids    idSet // the ids it needs
	scope  bool
	client bool
}

type part struct {
	text string
	// get is nil for plain text.
	get func(Request) string
}

// parseTemplate compiles text. An error names the position and not the text, which may be a secret.
func parseTemplate(text string) (template, error) {
	var t template
	for at := 0; at < len(text); {
		open := strings.IndexByte(text[at:], '{')
		if open < 0 {
			t.plain(text[at:])
			break
		}
		t.plain(text[at : at+open])
		at += open
		if strings.HasPrefix(text[at:], "{{") {
			t.plain("{")
			at += 2
			continue
		}
		name := placeholderName(text[at+1:])
		if name == "" {
			t.plain("{")
			at++
			continue
		}
		if !t.placeholder(name) {
			names := placeholderNames()
			return template{}, fmt.Errorf("unknown placeholder at byte %d, want one of {%s} (and {{ for a brace)%s",
				at, strings.Join(names, "}, {"), suggest(name, names))
		}
		at += len(name) + 2
	}
	return t, nil
}

// placeholderName gives the name that text starts with if a closing brace follows it, else "".
func placeholderName(text string) string {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '}':
			return text[:i]
		case c != '_' && (c < 'a' || c > 'z'):
			return ""
		}
	}
	return ""
}

func placeholderNames() []string {
	var names []string
	for _, row := range idTable {
		names = append(names, row.claim)
	}
	return append(names, "scope", "client_type")
}

func (t *template) plain(text string) {
	if text == "" {
		return
	}
	if n := len(t.parts); n > 0 && t.parts[n-1].get == nil {
		t.parts[n-1].text += text
		return
	}
	t.parts = append(t.parts, part{text: text})
}

func (t *template) placeholder(name string) bool {
	get := func(r Request) string { return r.Scope.String() }
	switch name {
	case "scope":
		t.scope = true
	case "client_type":
		t.client = true
		get = func(r Request) string { return r.Client.String() }
	default:
		get = nil
		for i, row := range idTable {
			if row.claim == name {
				t.ids |= 1 << i
				get = func(r Request) string { return *row.field(&r.Identity) }
			}
		}
	}
	t.parts = append(t.parts, part{get: get})
	return get != nil
}

// expand fills the placeholders in; escape, where it is not nil, fits each value to its place.
func (t template) expand(r Request, escape func(string) string) string {
	if len(t.parts) == 1 && t.parts[0].get == nil {
		return t.parts[0].text
	}
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.get == nil:
			b.WriteString(p.text)
		case escape == nil:
			b.WriteString(p.get(r))
		default:
			b.WriteString(escape(p.get(r)))
		}
	}
	return b.String()
}

// demand is what the templates of one source need of a request between them.
type demand struct {
	ids    idSet
	scope  bool
	client bool
}

func (d *demand) add(t template) {
	d.ids |= t.ids
	d.scope = d.scope || t.scope
	d.client = d.client || t.client
}

// key blanks what is not needed, so that requests that differ in nothing else share a token.
func (d demand) key(r Request) Request {
	out := Request{Identity: r.Identity.only(d.ids)}
	if d.scope {
		out.Scope = r.Scope
	}
	if d.client {
		out.Client = r.Client
	}
	return out
}
