package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pharos/engine"
	"pharos/luaapi"
)

type onceFlags struct {
	configFlags
	json  bool
	watch bool
}

func newOnce() *cobra.Command {
	var f onceFlags
	cmd := &cobra.Command{
		Use:   "once [GLOB]...",
		Short: "Run each watcher once, now, and print what it says",
		Long: `once runs each watcher of the configuration once and prints a table, in the
order of the configuration, each line as soon as it is known.

GLOB picks watchers by id ("set.name"); * stands for any text, and several pick
more. One that matches nothing is an error, and nothing runs. Sets that find
their members do so first. With -v it shows what each watcher did: every
command, request and logged line, and where the time of a request went; and what
loading warned of.

A tile derived from others is run after them, also where GLOB leaves them out,
and so is one that asks for the status of another.
A watcher that needs another one, and that fails as that does, is printed as in
its shadow and is no problem.

A watcher with events is listened to for its first verdict, until its timeout;
one without a verdict by then is pending, which is no problem.

The exit code is that of the worst: 0 ok, 1 warning, 2 critical, 3 unknown, and
3 too where the configuration does not load or nothing matches. Worst first:
critical, unknown, warning, ok.`,
		Example: `  pharosd once
  pharosd once -c sites.lua -v 'web.*' queue
  pharosd once -c sites.lua --json | jq '.[] | select(.status != "ok")'
  pharosd once -c sites.lua --watch queue`,
		Args: globsOnly,
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			cfg, err := f.load(cmd.Context())
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			defer cfg.Close()
			return idsOf(cfg.Generation), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, glob := range args {
				if _, err := path.Match(glob, ""); err != nil {
					return fmt.Errorf("cannot use pattern %q: %w", glob, err)
				}
			}
			out := cmd.OutOrStdout()
			if f.watch {
				return onceWatch(cmd.Context(), f, args, out)
			}
			return once(cmd.Context(), f, args, out)
		},
	}
	f.add(cmd)
	cmd.Flags().Lookup("verbose").Usage = "show what each watcher did (-v), and log everything (-vv)"
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON instead of a table")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "run again whenever the configuration is saved, until interrupted")
	return cmd
}

// globsOnly refuses what is no pattern: a configuration, which is a flag.
func globsOnly(cmd *cobra.Command, args []string) error {
	for i, arg := range args {
		if isConfiguration(arg) {
			return flagsOnly(cmd, args[i:])
		}
	}
	return nil
}

// once runs what matches and prints it. The error carries the exit code of the
// worst result.
func once(ctx context.Context, f onceFlags, globs []string, out io.Writer) error {
	cfg, err := f.load(ctx)
	if err != nil {
		return err
	}
	defer cfg.Close()
	return runOnce(ctx, f, cfg.Config, globs, out)
}

func runOnce(ctx context.Context, f onceFlags, cfg *luaapi.Config, globs []string, out io.Writer) error {
	if f.verbosity > 0 {
		printWarnings(cfg.Warnings)
	}
	gen, problems := engine.Discover(ctx, cfg.Generation)
	defer gen.Release()
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p.Message)
	}
	watchers, err := pick(gen, globs)
	if err != nil {
		return err
	}
	var tell func(*onceRun)
	switch {
	case f.json:
		tell = func(*onceRun) {} // it is one text
	case f.verbosity > 0:
		tell = runPrinter(out, cfg.SourceLine)
	default:
		tell = tablePrinter(out, watchers)
	}
	runs := runAll(ctx, gen, watchers, tell)
	if f.json {
		err = printJSON(out, runs)
	}
	if code := onceCode(runs, len(problems) > 0); err == nil && code != 0 {
		return exitError{code: code}
	}
	return err
}

// onceWatch runs once at every save. What goes wrong is printed, and ends
// nothing.
func onceWatch(ctx context.Context, f onceFlags, globs []string, out io.Writer) error {
	logger := newLogger(os.Stderr, f.verbosity-1, "text")
	o := f.options(logger)
	if o.Path == "" {
		return errors.New("cannot watch the built-in board: give a file with -c")
	}
	o.Probes = luaapi.NewProbes(logger)
	defer o.Probes.Close()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	between := out
	if f.json { // others read that
		between = os.Stderr
	}
	for n := 1; ; n++ {
		cfg, err := luaapi.Load(ctx, o)
		if err == nil {
			err = runOnce(ctx, f, cfg, globs, out)
			cfg.Close()
		}
		if _, exits := errors.AsType[exitError](err); err != nil && !exits {
			fmt.Fprintln(between, err)
		}
		fmt.Fprintf(between, "-- %s; run %d; save %s to run again\n", time.Now().Format(time.TimeOnly), n, o.Path)
		inputs := &inputWatch{inputs: cfg.Inputs}
		for !inputs.poll() {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}

// pick gives the watchers whose id, or name, matches one of globs, or all of
// them where there is none. Each must match something: it may be misspelt, or what
// the shell made of one without quotes.
func pick(gen *engine.Generation, globs []string) ([]engine.Watcher, error) {
	if len(globs) == 0 {
		globs = []string{"*"}
	}
	matched := make([]bool, len(globs))
	var picked []engine.Watcher
	for _, set := range gen.Sets {
		for _, w := range set.Watchers {
			wanted := false
			for i, glob := range globs {
				byID, _ := path.Match(glob, string(w.ID))
				if byID || w.Name == glob {
					matched[i], wanted = true, true
				}
			}
			if wanted {
				picked = append(picked, w)
			}
		}
	}
	if i := slices.Index(matched, false); i >= 0 {
		return nil, fmt.Errorf("cannot find a watcher that matches %q; %s", globs[i], known(gen))
	}
	return picked, nil
}

// known names a few of the ids there are.
func known(gen *engine.Generation) string {
	const most = 5
	ids := idsOf(gen)
	switch {
	case len(ids) == 0:
		return "the configuration has none"
	case len(ids) > most:
		return fmt.Sprintf("there are %s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return "there are " + strings.Join(ids, ", ")
}

func idsOf(gen *engine.Generation) (ids []string) {
	for _, set := range gen.Sets {
		for _, w := range set.Watchers {
			ids = append(ids, string(w.ID))
		}
	}
	return ids
}

// onceCode gives the exit code of the worst result; what is in the shadow of
// another is no problem. It is unknown at best if some were not found.
func onceCode(runs []onceRun, incomplete bool) int {
	worst := engine.OK
	if incomplete { // of those that were not found nobody knows
		worst = engine.Unknown
	}
	for _, r := range runs {
		if r.shadow == "" && r.result.Status.Worse(worst) {
			worst = r.result.Status
		}
	}
	switch worst {
	case engine.OK:
		return 0
	case engine.Warning:
		return 1
	case engine.Critical:
		return 2
	}
	return exitUnknown
}
