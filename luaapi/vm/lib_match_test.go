package vm

import (
	"runtime"
	"testing"
)

// However many patterns a script makes, few of them stay.
func TestPatternsAreForgotten(t *testing.T) {
	u := load(t, Options{}, `function check()
		for i = 1, 250 do
			local p = ("[ab]"):rep(950) .. i
			string.find("", p)
			string.gmatch("", p)
		end
	end`)
	u.opts.Slice = 0
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	if _, err := call(t, u, t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept := int64(heap() - before); kept > 16<<20 {
		t.Errorf("%d MB are kept", kept>>20)
	}
	runtime.KeepAlive(u)
}
