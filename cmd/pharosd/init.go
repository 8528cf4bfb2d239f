package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"pharos/luaapi/meta"
	"pharos/scripts"
)

// luarc tells the Lua language server about the language and the annotations. It
// knows Lua 5.1 with goto, table.pack and table.unpack as LuaJIT only; what else
// is there is in the annotations, bit as a global too.
const luarc = `{
  "runtime.version": "LuaJIT",
  "runtime.builtin": { "io": "disable", "package": "disable", "ffi": "disable", "jit": "disable", "bit": "disable", "utf8": "disable" },
  "workspace.library": [".pharos"]
}
`

// libDisk is the module that init writes, to show how one is made and used.
const libDisk = `-- A module: pharos.lua and its neighbours get it by require "disk".
--
--   local Disk = require "disk"
--   metric_watchers = { Disk{ name = "disk", limit = 95 } }

local Disk = pharos.CommandMetricWatcher:extend{
  class_name = "Disk",
  command = "df -P /",
  limit = 90, -- percent used
}

function Disk:handle_output(output)
  local percent = tonumber(output:match("(%d+)%%"))
  if percent >= self.limit then return self:critical(percent .. "%", output) end
  return self:ok(percent .. "%", output)
end

return Disk
`

// boardHead is how the board that init writes begins, in place of what the
// built-in one says of itself.
const boardHead = `-- Your board. Start pharosd in this folder and change this file: the board follows
-- as soon as you save. What there is to use: pharosd docs

`

// firstBoard is the built-in board with a beginning of its own.
func firstBoard() (string, error) {
	board, err := fs.ReadFile(scripts.FS, defaultConfig)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(board), "\n\n")
	return boardHead + rest, nil
}

// newFile is a file to write into a user's folder.
type newFile struct{ path, content string }

// annotations are what an editor needs.
func annotations() []newFile {
	return []newFile{
		{".luarc.json", luarc},
		{filepath.Join(".pharos", "pharos.lua"), meta.Reference},
		{filepath.Join(".pharos", "lua.lua"), meta.Lua},
	}
}

func newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a configuration to start from",
		Long: `init writes pharos.lua, a module in lib, and what an editor with the Lua
language server needs to complete and check both. It overwrites nothing.`,
		Example: `  pharosd init wall
  cd wall && pharosd`,
		Args: oneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			board, err := firstBoard()
			if err != nil {
				return err
			}
			files := append([]newFile{
				{defaultConfig, board},
				{filepath.Join("lib", "disk.lua"), libDisk},
			}, annotations()...)
			dir := dirOf(args)
			if err := writeNew(dir, files, cmd.OutOrStdout()); err != nil {
				return err
			}
			where := ""
			if dir != "." {
				where = " in " + dir
			}
			fmt.Fprintf(cmd.OutOrStdout(), "start pharosd%s, and change pharos.lua while it runs\n", where)
			return nil
		},
	}
}

func newTypes() *cobra.Command {
	return &cobra.Command{
		Use:   "types [DIR]",
		Short: "Write the annotations that editors complete and check scripts from",
		Long: `types writes .luarc.json and the folder .pharos for editors with the Lua
language server (LuaLS). Annotations of an older version are replaced.`,
		Example: "  pharosd types",
		Args:    oneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := dirOf(args)
			files := annotations()
			for _, old := range files[1:] {
				if err := os.Remove(filepath.Join(dir, old.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("replacing the annotations: %w", err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, files[0].path)); err == nil {
				files = files[1:] // the user's settings are the user's
			}
			return writeNew(dir, files, cmd.OutOrStdout())
		},
	}
}

func dirOf(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// writeNew writes files below dir. If one is there already it writes none.
func writeNew(dir string, files []newFile, out io.Writer) error {
	for _, f := range files {
		path := filepath.Join(dir, f.path)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("cannot write %s: it is there already, and nothing is overwritten", path)
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the folder: %w", err)
		}
		if err := writeFile(path, f.content); err != nil {
			return err
		}
		fmt.Fprintln(out, "wrote", path)
	}
	return nil
}

// writeFile makes a file that must not be there.
func writeFile(path, content string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	_, err = file.WriteString(content)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
