package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"pharos/builtin"
	"pharos/engine"
	"pharos/luaapi"
	"pharos/scripts"
)

// configFlags are the flags of every command that reads a configuration.
type configFlags struct {
	path      string
	verbosity int
}

func (f *configFlags) add(cmd *cobra.Command) {
	cmd.Flags().VarP((*configPath)(&f.path), "config-file", "c",
		"configuration: a Lua file, or a folder of them (default ./pharos.lua if there is one, else the built-in board)")
	cmd.Flags().CountVarP(&f.verbosity, "verbose", "v", "log information (-v) or everything (-vv), not only warnings")
}

// configPath is the value of a flag that is given once: of two configurations one
// would be left out without a word.
type configPath string

func (p *configPath) String() string { return string(*p) }
func (p *configPath) Type() string   { return "string" }

func (p *configPath) Set(path string) error {
	switch {
	case path == "":
		return errors.New("want a file or a folder, got nothing")
	case *p != "" && string(*p) != path: // who completes a command line reads it twice
		return fmt.Errorf("it is %q already; for several files give their folder", *p)
	}
	*p = configPath(path)
	return nil
}

// defaultConfig is looked for where pharosd is started.
const defaultConfig = "pharos.lua"

// options gives the load options that the flags stand for; the caller adds
// what it has of its own.
func (f *configFlags) options(logger *slog.Logger) luaapi.Options {
	path := f.path
	if path == "" {
		if _, err := os.Stat(defaultConfig); err == nil {
			path = defaultConfig
		}
	}
	return luaapi.Options{
		Path:      path,
		FS:        scripts.FS,
		Name:      defaultConfig,
		Classes:   builtin.FS,
		Logger:    logger,
		LookupEnv: os.LookupEnv,
	}
}

// describe names the configuration as a person would.
func describe(path string) string {
	if path == "" {
		return "the built-in board"
	}
	return path
}

// loaded is a configuration for commands that do not watch it, with the
// probes that its watchers reach out with.
type loaded struct {
	*luaapi.Config
	path   string
	probes *luaapi.Probes
}

// load reads the configuration once. The caller closes it.
func (f *configFlags) load(ctx context.Context) (*loaded, error) {
	logger := newLogger(os.Stderr, f.verbosity, "text")
	o := f.options(logger)
	o.Probes = luaapi.NewProbes(logger)
	cfg, err := luaapi.Load(ctx, o)
	if err != nil {
		o.Probes.Close()
		return nil, err
	}
	return &loaded{cfg, o.Path, o.Probes}, nil
}

// Close ends what the configuration holds, its probes last.
func (l *loaded) Close() {
	l.Config.Close()
	l.probes.Close()
}

// count gives the number of watchers and of sets.
func count(gen *engine.Generation) (watchers, sets int) {
	for _, set := range gen.Sets {
		watchers += len(set.Watchers)
	}
	return watchers, len(gen.Sets)
}

func plural(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
