package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const dockerFile = "Dockerfile"

// someone is a user by number who is not root.
var someone = regexp.MustCompile(`^[1-9]\d*(:[1-9]\d*)?$`)

// dockerfile reads the Dockerfile.
func (s *stack) dockerfile() {
	text, err := os.ReadFile(s.path(dockerFile))
	if err != nil {
		s.wrong(dockerFile, "%w", err)
		return
	}
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		s.wrong(dockerFile, "%w", err)
		return
	}
	stages, _, err := instructions.Parse(file.AST, nil)
	if err != nil {
		s.wrong(dockerFile, "%w", err)
		return
	}
	var names []string
	for i := range stages {
		st := &stages[i]
		if st.BaseName != "scratch" && !slices.Contains(names, st.BaseName) && !pinned.MatchString(st.BaseName) {
			s.wrong(dockerFile, "got FROM %s, want a version of three numbers, or a digest", st.BaseName)
		}
		names = append(names, st.Name)
		for _, c := range st.Commands {
			if add, ok := c.(*instructions.AddCommand); ok {
				s.wrong(dockerFile, "got ADD %s, want COPY, which neither downloads nor unpacks", strings.Join(add.SourcePaths, " "))
			}
		}
	}
	s.image(&stages[len(stages)-1])
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath"} {
		if !strings.Contains(string(text), want) {
			s.wrong(dockerFile, "got no %s, want it", want)
		}
	}
}

// image checks what is run.
func (s *stack) image(st *instructions.Stage) {
	user, entry := "", []string(nil)
	for _, c := range st.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.EntrypointCommand:
			if entry = c.CmdLine; c.PrependShell {
				s.wrong(dockerFile, "got an ENTRYPOINT for a shell, want a list")
			}
		case *instructions.RunCommand:
			s.wrong(dockerFile, "got RUN in the last stage, want it in an earlier one: what it needs would stay in the image")
		}
	}
	if !someone.MatchString(user) {
		s.wrong(dockerFile, "got USER %q, want one by number who is not root", user)
	}
	if !slices.Equal(entry, []string{"loadrig"}) {
		s.wrong(dockerFile, `got ENTRYPOINT %q, want ["loadrig"]`, entry)
	}
}
