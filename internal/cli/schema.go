package cli

import (
	"github.com/spf13/cobra"

	"github.com/loadrig/loadrig/scenario"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of scenario files",
		Long: `Prints the JSON schema (draft 2020-12) of scenario files, for editors that complete
and check as you type. In a YAML file, most take it from a first line such as

  # yaml-language-server: $schema=schema.json`,
		Example: `  loadrig schema > schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(scenario.Schema())
			return err
		},
	}
}
