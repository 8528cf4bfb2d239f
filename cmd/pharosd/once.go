package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pharos/engine"
)

// onceParallel bounds the watchers that once runs side by side.
const onceParallel = 32

func newOnce() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "once [GLOB]",
		Short: "Run each watcher once, now, and print what it says",
		Long: `once runs each watcher of the configuration once and prints a table.

GLOB picks watchers by id ("set.name"); * stands for any text. The exit code is
that of the worst: 0 ok, 1 warning, 2 critical, 3 unknown, and 3 too where the
configuration does not load or nothing matches.`,
		Example: `  pharosd once
  pharosd once -c sites.lua 'web.*'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			glob := "*"
			if len(args) == 1 {
				glob = args[0]
			}
			return once(cmd.Context(), f, glob, cmd.OutOrStdout())
		},
	}
	f.add(cmd)
	return cmd
}

func once(ctx context.Context, f configFlags, glob string, out io.Writer) error {
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("cannot use pattern %q: %w", glob, err)
	}
	cfg, err := f.load(ctx)
	if err != nil {
		return err
	}
	defer cfg.Close()
	watchers := pick(cfg.Generation, glob)
	if len(watchers) == 0 {
		return fmt.Errorf("cannot find a watcher that matches %q; %s", glob, known(cfg.Generation))
	}
	results := runAll(ctx, watchers)
	printResults(out, watchers, results)
	if code := onceCode(results); code != 0 {
		return exitError{code: code}
	}
	return nil
}

// pick gives the watchers whose id, or name, matches glob.
func pick(gen *engine.Generation, glob string) []engine.Watcher {
	var picked []engine.Watcher
	for _, set := range gen.Sets {
		for _, w := range set.Watchers {
			byID, _ := path.Match(glob, string(w.ID))
			if byID || w.Name == glob {
				picked = append(picked, w)
			}
		}
	}
	return picked
}

// known names a few of the ids there are.
func known(gen *engine.Generation) string {
	const most = 5
	var ids []string
	for _, w := range pick(gen, "*") {
		ids = append(ids, string(w.ID))
	}
	switch {
	case len(ids) == 0:
		return "the configuration has none"
	case len(ids) > most:
		return fmt.Sprintf("there are %s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return "there are " + strings.Join(ids, ", ")
}

func runAll(ctx context.Context, watchers []engine.Watcher) []engine.Result {
	results := make([]engine.Result, len(watchers))
	slots := make(chan struct{}, onceParallel)
	var wg sync.WaitGroup
	for i, w := range watchers {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = engine.RunOnce(ctx, w)
		})
	}
	wg.Wait()
	return results
}

func printResults(out io.Writer, watchers []engine.Watcher, results []engine.Result) {
	tab := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "STATUS\tID\tVALUE\tTOOK\tDETAIL")
	for i, r := range results {
		detail := r.Detail
		if detail == "" && r.Failure != nil {
			detail = r.Failure.Message
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%.3fs\t%s\n", r.Status, watchers[i].ID,
			strings.TrimSpace(oneLine(r.Value)+" "+oneLine(r.Unit)), r.Elapsed.Seconds(), oneLine(detail))
	}
	tab.Flush()
}

// oneLine keeps a table a table.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// onceCode gives the exit code of the worst result.
func onceCode(results []engine.Result) int {
	worst := engine.OK
	for _, r := range results {
		if r.Status.Worse(worst) {
			worst = r.Status
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
