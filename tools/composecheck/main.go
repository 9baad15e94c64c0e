// Command composecheck reads a compose file as Docker Compose does, without an engine, and checks what
// the schema cannot: images are pinned, every service has a health check, and the files that are mounted
// exist.
//
// What may live here: checks of docker-compose.yml. What may not: anything that the product needs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: composecheck FILE")
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func check(file string) error {
	ctx := context.Background()
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	details, err := loader.LoadConfigFiles(ctx, []string{file}, filepath.Dir(file))
	if err != nil {
		return err
	}
	project, err := loader.LoadWithContext(ctx, *details, func(o *loader.Options) { o.SetProjectName("check", true) })
	if err != nil {
		return err
	}
	var errs []error
	for name, s := range project.Services {
		for _, err := range problems(s) {
			errs = append(errs, fmt.Errorf("service %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func problems(s types.ServiceConfig) (errs []error) {
	_, tag, _ := strings.Cut(s.Image, ":")
	if s.Build == nil && (tag == "" || tag == "latest") {
		errs = append(errs, fmt.Errorf("image %q has no pinned tag", s.Image))
	}
	if s.HealthCheck == nil {
		errs = append(errs, errors.New("no health check"))
	}
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		if _, err := os.Stat(v.Source); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
