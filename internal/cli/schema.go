package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/docs/schemas"
	"github.com/loadrig/loadrig/internal/nearest"
	"github.com/loadrig/loadrig/scenario"
)

// ofScenario is the name of the schema that is in scenario, and not in docs/schemas.
const ofScenario = "scenario"

func newSchemaCommand() *cobra.Command {
	names := append([]string{ofScenario}, schemas.Names()...)
	return &cobra.Command{
		Use:   "schema [" + strings.Join(names, "|") + "]",
		Short: "Print the JSON schema of scenario files, or of what a run writes",
		Long: `Prints a JSON schema (draft 2020-12). scenario, which is the default, is that of
scenario files, for editors that complete and check as you type. In a YAML file, most
take it from a first line such as

  # yaml-language-server: $schema=schema.json

summary is that of --json and -o json=FILE; run that of the files in a run's
directory: its manifest, and each line of its records and events.`,
		Example: `  loadrig schema > schema.json
  loadrig schema summary > summary-v1.json`,
		ValidArgs: names,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("schema: got %d arguments, want one or none", len(args))
			}
			if len(args) == 0 || slices.Contains(names, args[0]) {
				return nil
			}
			want := strings.Join(names, ", ")
			if name, ok := nearest.Name(args[0], names); ok {
				want += "; did you mean " + name + "?"
			}
			return usage("schema: got %q, want one of %s", args[0], want)
		},
		RunE: func(c *cobra.Command, args []string) error {
			text := scenario.Schema()
			if len(args) == 1 && args[0] != ofScenario {
				text, _ = schemas.Text(args[0])
			}
			_, err := c.OutOrStdout().Write(text)
			return err
		},
	}
}
