package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// newRoot builds the command line. Without a subcommand pharosd serves, as the
// original did: its flags are the root's own.
func newRoot() *cobra.Command {
	serve := newServe()
	root := &cobra.Command{
		Use:   "pharosd",
		Short: "The board you watch, in near real time, to see how your systems perform",
		Long: `pharosd runs the watchers of a Lua configuration and serves the live board.

Without a command it serves. Without -c it serves ./pharos.lua if there is one,
else the board that is built in.`,
		Example: `  pharosd                              the built-in board on http://127.0.0.1:8811
  pharosd -c sites.lua -P 8080         your board on port 8080
  pharosd check -c sites.lua           is the configuration good?
  pharosd once -c sites.lua 'web.*'    run some watchers once, now`,
		RunE:          serve.RunE,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Flags().AddFlagSet(serve.Flags())
	root.AddCommand(serve, newInit(), newCheck(), newOnce(), newTest(), newDocs(), newTypes(), newVersion())
	return root
}

// newLogger logs text lines to w. Verbosity 0 shows warnings and errors, 1
// information, 2 and more debugging.
func newLogger(w io.Writer, verbosity int) *slog.Logger {
	level := slog.LevelWarn
	switch {
	case verbosity == 1:
		level = slog.LevelInfo
	case verbosity > 1:
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
