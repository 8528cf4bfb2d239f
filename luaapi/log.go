package luaapi

import (
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// logModule is pharos.log: debug, info, warn and error write one line to the
// run's log, shown in the detail of its tile, and to the daemon's. The module
// itself can be called, and is info then.
func (s *script) logModule(L *lua.LState) lua.LValue {
	t := s.newModule(L, "pharos.log",
		member{"debug", s.logAt(slog.LevelDebug, 1)},
		member{"info", s.logAt(slog.LevelInfo, 1)},
		member{"warn", s.logAt(slog.LevelWarn, 1)},
		member{"error", s.logAt(slog.LevelError, 1)},
	)
	t.Metatable.(*lua.LTable).RawSetString("__call", L.NewFunction(s.logAt(slog.LevelInfo, 2)))
	return t
}

func (s *script) logAt(level slog.Level, first int) lua.LGFunction {
	return func(L *lua.LState) int {
		s.log(vm.Context(L), level, vm.Line(L, first, " "))
		return 0
	}
}
