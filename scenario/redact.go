package scenario

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// hidden stands for what is not shown.
const hidden = "[redacted]"

// secretPattern finds keys whose values are kept out of what is written about a run.
var secretPattern = regexp.MustCompile(`(?i)token|secret|passw|passphrase|pwd|^pw$|authorization|bearer|jwt|ticket|cookie|credential|api[-_]?key|private[-_]?key`)

// What URLs have besides their place. An expression in one may have blanks in it, and anything else.
var (
	userPattern  = regexp.MustCompile(`://(?:{{.*?}}|[^/\s@"'])*@`)
	queryPattern = regexp.MustCompile(`(://(?:{{.*?}}|[^\s"'?#])*\?)(?:{{.*?}}|[^\s"'#])*`)
)

// Text gives the file as it was read, in YAML, without what is or may be a secret: values under keys that are called
// token, secret, password or the like, all headers, users and queries of URLs, and whatever looks like a JWT. It is
// for people who want to know later what was run; it need not be valid any more.
func (s *Scenario) Text() string {
	src := newSource(s.name, s.source)
	root := src.parse(s.source)
	if root == nil {
		return ""
	}
	src.secrets = append(src.secrets, secretsIn(root)...)
	redact(root, "", false)
	b, err := yaml.Dump(root, yaml.WithIndent(2))
	if err != nil {
		return ""
	}
	return src.hide(string(b))
}

// redact takes the secrets out of what is under a key; all tells that everything there is one.
func redact(n *yaml.Node, key string, all bool) {
	comments(n)
	switch n.Kind {
	case yaml.ScalarNode:
		if all && n.Value != "" {
			n.Value, n.Tag, n.Style = hidden, "!!str", yaml.DoubleQuotedStyle
		}
		n.Value = clean(n.Value)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			comments(n.Content[i])
			name := n.Content[i].Value
			public := key == "token" && (name == "key" || name == "issuer" || name == "audience" || name == "lifetime")
			redact(n.Content[i+1], name, !public && (all || name == "headers" || secretPattern.MatchString(name)))
		}
	default:
		for _, child := range n.Content {
			redact(child, key, all)
		}
	}
}

func comments(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = clean(n.HeadComment), clean(n.LineComment), clean(n.FootComment)
}

// clean takes the user and the query out of URLs.
func clean(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	s = userPattern.ReplaceAllString(s, "://"+hidden+"@")
	return queryPattern.ReplaceAllString(s, "${1}"+hidden)
}
