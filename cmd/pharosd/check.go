package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// lintTime bounds the look at what the configuration needs: names to resolve.
const lintTime = 3 * time.Second

func newCheck() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration, run nothing",
		Long: `check loads the configuration as the daemon would and runs no watcher. It also
warns of commands that are not here and of names that do not resolve.

It prints each error and warning as file:line: message. Exit code 0: good
(warnings included); 1: the daemon would not take it.`,
		Example: "  pharosd check -c sites.lua",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load(cmd.Context())
			if err != nil {
				return err
			}
			defer cfg.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), lintTime)
			defer cancel()
			for _, w := range append(cfg.Warnings, cfg.Lint(ctx)...) {
				fmt.Fprintf(os.Stderr, "%s:%d: warning: %s\n", w.File, w.Line, w.Message)
			}
			watchers, sets := count(cfg.Generation)
			fmt.Fprintf(cmd.OutOrStdout(), "%s: good: %s in %s\n", describe(cfg.path),
				plural(watchers, "watcher"), plural(sets, "set"))
			return nil
		},
	}
	f.add(cmd)
	return cmd
}
