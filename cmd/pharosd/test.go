package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pharos/builtin"
	"pharos/engine"
	"pharos/luaapi"
)

type testFlags struct {
	verbose bool
	tap     bool
	pattern string
}

func newTest() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test [FILE|FOLDER]...",
		Short: "Run the tests of scripts",
		Long: `test runs the cases of *_test.lua files; without arguments, of all below this
folder.

A case loads a configuration and runs its watchers in a world of its own: what
they reach out for is answered by stubs, the clock is moved by the case, and a
primitive without a stub fails it. "pharosd docs test" tells what a case can do.

    test.case("a slow page is yellow", function(t)
      t:load("pharos.lua")
      t:stub("http", function() return { status = 200, total = 0.2 } end)
      t:equal(t:run("front_page").status, "warning")
    end)

Exit code 0: all passed; 1: not.`,
		Example: `  pharosd test
  pharosd test -v --run 'slow|down' shop_test.lua
  pharosd test --tap | tapview`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return test(cmd.Context(), f, args, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "name passing cases too, and show what cases printed")
	flags.BoolVar(&f.tap, "tap", false, "print TAP 14, for other tools")
	flags.StringVar(&f.pattern, "run", "", "run only cases whose name matches this regular expression")
	return cmd
}

// testReporter prints what became of the cases.
type testReporter interface {
	result(file string, r luaapi.CaseResult)
	unloaded(name string, err error)
	fileEnd(name string, failed bool, elapsed time.Duration)
	end()
}

func test(ctx context.Context, f testFlags, args []string, out io.Writer) error {
	pattern, err := regexp.Compile(f.pattern)
	if err != nil {
		return fmt.Errorf("cannot use --run %q: %w", f.pattern, err)
	}
	files, err := testFiles(args)
	if err != nil {
		return err
	}
	probes := luaapi.NewProbes(nil)
	defer probes.Close()
	var report testReporter = &goReporter{out: out, verbose: f.verbose}
	if f.tap {
		fmt.Fprintln(out, "TAP version 14")
		report = &tapReporter{out: out}
	}
	ran, failed := 0, false
	for _, name := range files {
		n, bad := testFile(ctx, name, pattern, luaapi.Options{Path: name, Classes: builtin.FS, Probes: probes}, report)
		ran, failed = ran+n, failed || bad
	}
	report.end()
	switch {
	case failed:
		return exitError{code: exitFailure}
	case ctx.Err() != nil:
		return ctx.Err()
	case ran == 0 && f.pattern != "":
		return fmt.Errorf("cannot find a case that matches %q", f.pattern)
	}
	return nil
}

// testFile runs the cases of a file whose names match.
func testFile(ctx context.Context, name string, pattern *regexp.Regexp, o luaapi.Options, report testReporter) (ran int, failed bool) {
	started := time.Now()
	cases, err := luaapi.LoadCases(ctx, o)
	if err != nil {
		report.unloaded(name, err)
		report.fileEnd(name, true, time.Since(started))
		return 0, true
	}
	defer cases.Close()
	for _, c := range cases.Cases() {
		if !pattern.MatchString(c) || ctx.Err() != nil {
			continue
		}
		result := cases.Run(ctx, c)
		report.result(name, result)
		ran++
		failed = failed || len(result.Failures) > 0
	}
	report.fileEnd(name, failed, time.Since(started))
	return ran, failed
}

// testFiles gives the files to run: those given, and each *_test.lua below the
// folders given; hidden folders are left out.
func testFiles(args []string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var files []string
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			hidden := strings.HasPrefix(e.Name(), ".") && path != arg
			switch {
			case e.IsDir() && hidden:
				return fs.SkipDir
			case !e.IsDir() && (path == arg || strings.HasSuffix(path, luaapi.TestSuffix) && !hidden):
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("looking for tests: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("cannot find a test: no *%s below %s", luaapi.TestSuffix, strings.Join(args, ", "))
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// goReporter prints as go test does.
type goReporter struct {
	out     io.Writer
	verbose bool
}

func (r *goReporter) end() {}

func (r *goReporter) result(_ string, c luaapi.CaseResult) {
	verdict := "PASS"
	if len(c.Failures) > 0 {
		verdict = "FAIL"
	} else if !r.verbose {
		return
	}
	fmt.Fprintf(r.out, "--- %s: %s (%.2fs)\n", verdict, c.Name, c.Elapsed.Seconds())
	for _, failure := range c.Failures {
		printIndented(r.out, "    ", failureText(failure))
	}
	for _, line := range c.Log {
		printIndented(r.out, "    | ", line)
	}
}

func (r *goReporter) unloaded(_ string, err error) { fmt.Fprintln(r.out, err) }

func (r *goReporter) fileEnd(name string, failed bool, elapsed time.Duration) {
	verdict := "ok  "
	if failed {
		verdict = "FAIL"
	}
	fmt.Fprintf(r.out, "%s\t%s\t%.3fs\n", verdict, name, elapsed.Seconds())
}

func failureText(e engine.LoadError) string {
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// tapReporter prints the Test Anything Protocol, version 14.
type tapReporter struct {
	out io.Writer
	n   int
}

func (r *tapReporter) result(file string, c luaapi.CaseResult) {
	r.point(len(c.Failures) == 0, file+": "+c.Name)
	for _, failure := range c.Failures {
		printIndented(r.out, "# ", failureText(failure))
	}
}

func (r *tapReporter) unloaded(name string, err error) {
	r.point(false, name+": loading")
	printIndented(r.out, "# ", err.Error())
}

// point prints a test point.
func (r *tapReporter) point(ok bool, what string) {
	r.n++
	verdict := "ok"
	if !ok {
		verdict = "not ok"
	}
	fmt.Fprintf(r.out, "%s %d - %s\n", verdict, r.n, tapText(what))
}

func (r *tapReporter) fileEnd(string, bool, time.Duration) {}

// end prints the plan, which may come last.
func (r *tapReporter) end() { fmt.Fprintf(r.out, "1..%d\n", r.n) }

// tapText escapes what begins a directive.
func tapText(text string) string {
	return strings.NewReplacer(`\`, `\\`, "#", `\#`, "\n", " ").Replace(text)
}
