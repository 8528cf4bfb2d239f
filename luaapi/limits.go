package luaapi

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"pharos/luaapi/vm"
)

// LimitScripts bounds the memory of the process's heap, garbage included: over
// it the script that computes longest is stopped. 0 is the smaller of 512 MiB and a
// quarter of the memory that there is. reload is told why a file should be loaded
// afresh: it never came back from a call, or keeps more than the limit; it may be
// nil. Call it before the first Load.
func (p *Probes) LimitScripts(bytes uint64, reload func(reason string)) {
	if bytes == 0 {
		bytes = defaultScriptMemory()
	}
	debug.SetMemoryLimit(int64(bytes)) // what is garbage goes before a run has to
	p.watchdog.Limit = bytes
	if reload == nil {
		reload = func(string) {}
	}
	p.watchdog.Wedged = func(u *vm.Universe) {
		reload(fmt.Sprintf("%s: a call of a script never came back", u.Name()))
	}
	p.watchdog.Leaked = func(u *vm.Universe, heap uint64) {
		p.leaked.Store(u, true)
		reload(fmt.Sprintf("%s: the heap has %d MiB, over the limit of %d MiB", u.Name(), heap>>20, bytes>>20))
	}
}

// worn tells that a universe must not be carried over: it is dead, or keeps too
// much.
func (p *Probes) worn(u *vm.Universe) bool {
	_, leaked := p.leaked.LoadAndDelete(u)
	return leaked || u.Dead()
}

const scriptMemoryMost = 512 << 20

// defaultScriptMemory is the smaller of 512 MiB and a quarter of the memory of
// the machine, or of the control group that the process is in.
func defaultScriptMemory() uint64 {
	limit := uint64(scriptMemoryMost)
	for _, path := range []string{machineMemory, "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if total := memoryIn(path); total > 0 {
			limit = min(limit, total/4)
		}
	}
	return limit
}

const machineMemory = "/proc/meminfo" // see proc(5)

// memoryIn reads the first figure of a file, which is of a machine or a control
// group; 0 if there is none, or no limit ("max").
func memoryIn(path string) uint64 {
	text, _ := os.ReadFile(path)
	fields := strings.Fields(strings.TrimPrefix(string(text), "MemTotal:"))
	if len(fields) == 0 {
		return 0
	}
	bytes, _ := strconv.ParseUint(fields[0], 10, 64)
	if len(fields) > 1 && fields[1] == "kB" {
		bytes <<= 10
	}
	return bytes
}
