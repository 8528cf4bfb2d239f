// Command pharosload measures a whole pharosd under load and faults: it starts
// a target, a daemon with the watchers asked for, and viewers of its board,
// each in a process of its own, and prints one JSON report.
//
// Traffic stays on loopback, and everything stops by itself when the time is
// over, or when pharosload ends for whatever reason. Figures of one machine
// compare to the raw loops measured in the same call (-raw), not to other
// machines.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

const usageText = `pharosload measures a whole pharosd on this machine and prints JSON. Its times are
seconds. The exit code is 1 if something is wrong: with what was measured, where the
command judges that, or with measuring it.

  pharosload [FLAGS]           one load: runs made and missed, lateness, processor time, memory, latency to viewers
  pharosload overload [FLAGS]  find the most HTTP runs a second, then offer twice that
  pharosload soak [FLAGS]      everything at once with reloads and faults; is memory flat?
  pharosload faults [FLAGS]    one fault after the other: kill, stop, disk full, no descriptors, slow requests, ...

Examples:
  pharosload -http 1000 -raw                            a thousand pages a second, beside a loop of net/http
  pharosload -function 1 -interval 100ms -pad 500 -viewers 1000 -raw
                                                        a thousand viewers, beside a stream written by hand
  pharosload -http 20000 -interval 60s -duration 60s    many, seldom
  pharosload -http 10000 -reload 5s -duration 30s       save the configuration again and again
  pharosload -http 500 -hang 5                          five hosts that never answer
  pharosload -function 50 -pad 1000 -viewers 150 -stuck 50
                                                        a quarter of the viewers never read
  pharosload soak -duration 10m
  pharosload faults -only disk

Flags:
`

// commands is what can be asked for; without a word it is the first.
var commands = map[string]func(context.Context, scenario) (any, error){
	"load":     func(ctx context.Context, sc scenario) (any, error) { return measure(ctx, sc) },
	"overload": func(ctx context.Context, sc scenario) (any, error) { return overload(ctx, sc) },
	"soak":     func(ctx context.Context, sc scenario) (any, error) { return soak(ctx, sc) },
	"faults":   func(ctx context.Context, sc scenario) (any, error) { return sufferFaults(ctx, sc) },
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == roleFlag {
		os.Exit(playRole(os.Args[2], os.Args[3:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the process, and with it its children, at once
	err := run(ctx, os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "pharosload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	runtime.LockOSThread() // children die with the thread that started them
	word, args := command(args)
	play, ok := commands[word]
	if !ok {
		return fmt.Errorf("no command %q: want load, overload, soak or faults", word)
	}
	sc, err := parse(word, args)
	if err != nil {
		return err
	}
	if sc.Pharosd == "" {
		dir, err := os.MkdirTemp("", "pharosload")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if sc.Pharosd, err = build(ctx, dir); err != nil {
			return err
		}
	}
	report, err := play(ctx, sc)
	if _, wrong := errors.AsType[wrongError](err); err != nil && !wrong {
		return err
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return errors.Join(enc.Encode(report), err)
}

// wrongError is what is wrong with what was measured: there is a report all the
// same.
type wrongError struct{ error }

func command(args []string) (string, []string) {
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		return args[0], args[1:]
	}
	return "load", args
}

func build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "pharosd")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "pharos/cmd/pharosd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building pharosd (or give -pharosd): %w: %s", err, out)
	}
	return path, nil
}
