package luaapi

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// undefining are the fields of a watcher that do not make it what it is: where
// it was written, and what runs leave behind.
var undefining = append([]string{"id", "source"}, setInRuns...)

// setInRuns are the fields that each run sets.
var setInRuns = []string{"state", "status", "duration", "last_updated", "verdict"}

// definer computes definitions: a hash of a watcher's options as plain data
// and of the code, constants and upvalues of its functions, through tables,
// classes and closures. Files and lines are no part of it, so that an edit to
// one watcher, or a line added above it, leaves the others what they are.
//
// What Pharos itself provides is known by name and not looked into.
type definer struct {
	known  map[lua.LValue]string // tables, functions and userdata of Pharos and Lua
	memo   map[lua.LValue]digest
	protos map[*lua.FunctionProto]digest
	text   []byte // of the nodes on the path from the root, one after the other

	// The nodes on that path, and those that were written already but refer to one of
	// them: each in the order in which it was met, and its place there (Tarjan's strongly
	// connected components). What refers to one another is walked through once.
	open   []lua.LValue
	places map[lua.LValue]int

	// What upvalues were when the file had been loaded; nil where that is now.
	frozen   map[*lua.Upvalue][]byte
	freezing bool
}

type digest = [sha256.Size]byte

// definitionMaxDepth bounds the path into nested data; what lies deeper makes
// no difference.
const definitionMaxDepth = 1000

// tangle is how many nodes may refer to one another before each is known by the first
// of them that was met, and not by the walk from itself.
const tangle = 64

func newDefiner() *definer {
	return &definer{
		known:  make(map[lua.LValue]string),
		memo:   make(map[lua.LValue]digest),
		protos: make(map[*lua.FunctionProto]digest),
		places: make(map[lua.LValue]int),
	}
}

// freeze makes a definer for what find makes later. Whatever of the file it
// refers to counts as it is now: a counter that runs count up, or a table that
// they fill, is not another definition.
func (d *definer) freeze(find *lua.LFunction) *definer {
	frozen := &definer{
		known: d.known, memo: make(map[lua.LValue]digest), protos: make(map[*lua.FunctionProto]digest),
		places: make(map[lua.LValue]int), frozen: make(map[*lua.Upvalue][]byte), freezing: true,
	}
	frozen.node(find, 0)
	frozen.freezing = false
	return frozen
}

// again gives a frozen definer for one use, which keeps nothing of it alive.
func (d *definer) again() *definer {
	return &definer{
		known: d.known, memo: maps.Clone(d.memo), protos: maps.Clone(d.protos),
		places: make(map[lua.LValue]int), frozen: d.frozen,
	}
}

// know names v, and everything in it if it is a table, as given by Pharos.
func (d *definer) know(name string, v lua.LValue) {
	switch v.(type) {
	case *lua.LTable, *lua.LFunction, *lua.LUserData:
	default:
		return
	}
	if _, done := d.known[v]; done {
		return
	}
	d.known[v] = name
	if t, ok := v.(*lua.LTable); ok {
		for k, v := range vm.Pairs(t) {
			d.know(name+"."+k.String(), v)
		}
		if t.Metatable != lua.LNil {
			d.know(name+"#", t.Metatable)
		}
	}
}

// define gives the definition of a watcher.
func (d *definer) define(self *lua.LTable) string {
	w := nodeWriter{definer: d, low: math.MaxInt}
	d.enter(self)
	w.table(self, 0, undefining)
	d.leave(0)
	sum := d.take(0)
	return hex.EncodeToString(sum[:16])
}

// node gives the digest of a table or function at a depth, and the lowest place
// that anything in it refers back to. A node met again while it is open counts as
// the number of open ones since; so the digest of one that refers to nothing that
// was met before itself is the same wherever it is met, and remembered.
func (d *definer) node(v lua.LValue, depth int) (digest, int) {
	if sum, ok := d.memo[v]; ok {
		return sum, math.MaxInt
	}
	w := nodeWriter{definer: d, low: math.MaxInt}
	from, at := len(d.text), d.enter(v)
	switch v := v.(type) {
	case *lua.LTable:
		w.table(v, depth, nil)
	case *lua.LFunction:
		w.function(v, depth)
	}
	sum := d.take(from)
	if w.low >= at {
		if len(d.open)-at > tangle {
			for i, member := range d.open[at:] {
				d.memo[member] = sha256.Sum256(binary.AppendUvarint(sum[:], uint64(i)))
			}
		}
		d.leave(at)
		d.memo[v] = sum
		w.low = math.MaxInt
	}
	return sum, w.low
}

// enter opens a node and gives its place.
func (d *definer) enter(v lua.LValue) int {
	at := len(d.open)
	d.open, d.places[v] = append(d.open, v), at
	return at
}

// leave closes the node of that place and all that were met after it.
func (d *definer) leave(at int) {
	for _, v := range d.open[at:] {
		delete(d.places, v)
	}
	clear(d.open[at:])
	d.open = d.open[:at]
}

// take gives the digest of what was written from there on, and takes it away.
func (d *definer) take(from int) digest {
	sum := sha256.Sum256(d.text[from:])
	d.text = d.text[:from]
	return sum
}

// nodeWriter writes one node: the text that its digest is of.
type nodeWriter struct {
	*definer
	low int
}

func (w *nodeWriter) write(tag byte, text string) {
	w.text = binary.AppendUvarint(append(w.text, tag), uint64(len(text)))
	w.text = append(w.text, text...)
}

func (w *nodeWriter) value(v lua.LValue, depth int) {
	switch v := v.(type) {
	case lua.LBool:
		w.write('b', v.String())
	case lua.LNumber:
		w.number(float64(v))
	case lua.LString:
		w.write('s', string(v))
	case *lua.LTable, *lua.LFunction:
		w.reference(v, depth)
	case *lua.LUserData:
		if name, ok := w.known[v]; ok {
			w.write('k', name)
			return
		}
		if d, ok := v.Value.(interface{ depends() []lua.LValue }); ok {
			for _, part := range d.depends() {
				w.value(part, depth)
			}
			return
		}
		if d, ok := v.Value.(interface{ definition() string }); ok {
			w.write('u', d.definition())
			return
		}
		w.write('u', fmt.Sprintf("%T", v.Value))
	default:
		w.write('n', typeName(v))
	}
}

func (w *nodeWriter) number(n float64) {
	w.text = binary.LittleEndian.AppendUint64(append(w.text, 'f'), math.Float64bits(n))
}

func (w *nodeWriter) reference(v lua.LValue, depth int) {
	if name, ok := w.known[v]; ok {
		w.write('k', name)
		return
	}
	if at, ok := w.places[v]; ok {
		w.write('^', fmt.Sprint(len(w.open)-at))
		w.low = min(w.low, at)
		return
	}
	if depth >= definitionMaxDepth {
		w.write('.', "")
		return
	}
	sum, low := w.node(v, depth+1)
	w.low = min(w.low, low)
	w.write('t', string(sum[:]))
}

func (w *nodeWriter) table(t *lua.LTable, depth int, without []string) {
	type entry struct {
		kind byte
		key  string
		raw  lua.LValue
	}
	entries := make([]entry, 0, 16)
	for k := range vm.Pairs(t) {
		switch k := k.(type) {
		case lua.LString:
			if !slices.Contains(without, string(k)) {
				entries = append(entries, entry{'s', string(k), k})
			}
		case lua.LNumber:
			entries = append(entries, entry{'p', vm.FormatNumber(float64(k)), k})
		case lua.LBool:
			entries = append(entries, entry{'p', k.String(), k})
		default: // tables as keys have no order of their own: they keep that of their making
			entries = append(entries, entry{'r', "", k})
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		if a.kind != b.kind {
			return int(a.kind) - int(b.kind)
		}
		return strings.Compare(a.key, b.key)
	})
	for _, e := range entries {
		w.value(e.raw, depth)
		w.value(t.RawGet(e.raw), depth)
	}
	w.write('m', "")
	if !isNil(t.Metatable) {
		w.value(t.Metatable, depth)
	}
}

func (w *nodeWriter) function(f *lua.LFunction, depth int) {
	if f.IsG || f.Proto == nil {
		w.write('g', "")
		return
	}
	sum := w.proto(f.Proto)
	w.write('c', string(sum[:]))
	for _, up := range f.Upvalues {
		if text, ok := w.frozen[up]; ok {
			w.text = append(w.text, text...)
			continue
		}
		at := len(w.text)
		w.value(up.Value(), depth)
		if w.freezing {
			w.frozen[up] = slices.Clone(w.text[at:])
		}
	}
}

// proto is the digest of a function's code, without names and lines.
func (d *definer) proto(p *lua.FunctionProto) digest {
	if sum, ok := d.protos[p]; ok {
		return sum
	}
	w := nodeWriter{definer: d}
	from := len(d.text)
	w.write('h', string([]byte{p.NumUpvalues, p.NumParameters, p.IsVarArg}))
	code := make([]byte, 0, 4*len(p.Code))
	for _, instruction := range p.Code {
		code = binary.LittleEndian.AppendUint32(code, instruction)
	}
	w.write('i', string(code))
	for _, constant := range p.Constants {
		w.value(constant, 0)
	}
	for _, child := range p.FunctionPrototypes {
		sum := d.proto(child)
		w.write('c', string(sum[:]))
	}
	sum := d.take(from)
	d.protos[p] = sum
	return sum
}
