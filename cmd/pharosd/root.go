package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pharos/luaapi"
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
		Version:       build(),
		Args:          noCommand,
		RunE:          serve.RunE,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	root.Flags().AddFlagSet(serve.Flags())
	root.AddCommand(serve, newInit(), newCheck(), newOnce(), newTest(), newRepl(), newDocs(), newTypes(), newMan(), newVersion())
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, noShell
		}
	}
	return root
}

// noShell refuses what is no shell: help in its place would end up in the file that
// a shell reads at its start.
func noShell(cmd *cobra.Command, args []string) error {
	var shells []string
	for _, shell := range cmd.Commands() {
		shells = append(shells, shell.Name())
	}
	if len(args) == 0 {
		return fmt.Errorf("want a shell; there are %s", strings.Join(shells, ", "))
	}
	return fmt.Errorf("cannot write it for %q; there are %s", args[0], strings.Join(shells, ", "))
}

// noCommand refuses what is no command, with the nearest one.
func noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if isConfiguration(args[0]) {
		return flagsOnly(root, args)
	}
	for _, path := range []string{args[0] + ".lua", args[0]} {
		if info, err := os.Stat(path); err == nil && (info.IsDir() || isConfiguration(path)) {
			return fmt.Errorf("unknown command %q; did you mean pharosd serve -c %s?", args[0], path)
		}
	}
	var names []string
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() {
			names = append(names, cmd.Name())
		}
	}
	if near := luaapi.Nearest(args[0], names); near != "" {
		return fmt.Errorf("unknown command %q; did you mean %q?", args[0], near)
	}
	return fmt.Errorf("unknown command %q; there are %s", args[0], strings.Join(names, ", "))
}

// flagsOnly refuses arguments. Most often it is the configuration, which is a
// flag.
func flagsOnly(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.Flags().Lookup("config-file") != nil && isConfiguration(args[0]):
		return fmt.Errorf("cannot take %q: write %s -c %s", args[0], cmd.CommandPath(), args[0])
	}
	return fmt.Errorf("cannot take %q: it wants flags only; %s --help lists them", args[0], cmd.CommandPath())
}

// oneFolder refuses more than one argument.
func oneFolder(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("cannot take %q: it wants one folder", args[1])
	}
	return nil
}

// isConfiguration tells whether an argument is probably a file or a folder to load.
func isConfiguration(arg string) bool {
	return strings.HasSuffix(arg, ".lua") || strings.ContainsRune(arg, '/')
}

// newHelp is cobra's command help, except that it knows what is no command.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err == nil && of == cmd.Root() {
				err = noCommand(of, rest)
			}
			if err != nil {
				return err
			}
			return of.Help()
		},
	}
}

// wantedValues are what flags take, by the type of their values.
var wantedValues = map[string]string{
	"int": "a whole number", "uint": "a whole number that is not negative", "bool": "true or false",
	"duration": "a duration such as 30s or 1m30s",
}

// flagError says of a flag that is not there which is the nearest, and of a value
// that is none what is wanted.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		reason := invalid.Unwrap().Error()
		if want := wantedValues[invalid.GetFlag().Value.Type()]; want != "" {
			reason = "want " + want
		}
		return fmt.Errorf("cannot use %q for --%s: %s", invalid.GetValue(), invalid.GetFlag().Name, reason)
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := luaapi.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return fmt.Errorf("%w; %s --help lists them", err, cmd.CommandPath())
}
