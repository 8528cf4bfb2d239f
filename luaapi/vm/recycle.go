package vm

import lua "github.com/yuin/gopher-lua"

// shallow is the number of call frames up to which a thread is worth recycling:
// they lie in one piece of memory, which is not freed while they are taken off.
const shallow = lua.FramesPerSegment - 1

// recycle empties the stack of a thread that an error went through, so that it
// can be used again. It tells whether it could. An error leaves the stack as it
// was where it was raised, and only a protected call of gopher-lua's takes frames
// off it, at a cost that every call would have to pay; so a Go function is called
// on top of them and takes the place of one after the other.
func recycle(th *lua.LState, c *caught) bool {
	if c.broken || th.Dead || th.Parent != nil {
		return false
	}
	frames := 0
	if top := topFrame(th); top.ok() {
		frames = top.index() + 1
	}
	if frames > shallow {
		return false
	}
	if frames > 0 {
		th.Push(th.NewFunction(func(L *lua.LState) int {
			for range frames {
				L.RemoveCallerFrame()
			}
			return 0
		}))
		th.Call(0, 0)
	}
	th.SetTop(0)
	return true
}
