package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// lintTime bounds the look at what the configuration needs: names to resolve.
const lintTime = 3 * time.Second

func newCheck() *cobra.Command {
	var f configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration, run nothing",
		Long: `check loads the configuration as the daemon would and runs no watcher. It also
warns of commands that are not here and of names that do not resolve.

It prints each error and warning as file:line: message, or as JSON for editors
and pipelines. Exit code 0: good (warnings included); 1: the daemon would not
take it.`,
		Example: `  pharosd check -c sites.lua
  pharosd check --json | jq -r '.errors[] | "\(.file):\(.line): \(.message)"'`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load(cmd.Context())
			if err != nil && asJSON {
				return printCheckJSON(cmd.OutOrStdout(), checkJSON{}, err)
			}
			if err != nil {
				return err
			}
			defer cfg.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), lintTime)
			defer cancel()
			warnings := append(cfg.Warnings, cfg.Lint(ctx)...)
			if asJSON {
				watchers, sets := count(cfg.Generation)
				return printCheckJSON(cmd.OutOrStdout(), checkJSON{Warnings: findings(warnings), Watchers: watchers, Sets: sets}, nil)
			}
			printCheck(cmd.OutOrStdout(), cfg, warnings)
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: ok, errors, warnings, watchers, sets")
	return cmd
}
