package luaapi

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// reservedFields are the fields of a class that are no options.
var reservedFields = []string{"class_name", "extend", "options", "source", "super", "__index"}

// optionTypes are the types that a class may declare an option with: Lua's, and
// "source" for what pharos.exec.stream and the like give.
var optionTypes = []string{"boolean", "function", "number", "source", "string", "table", "userdata"}

// misusing is what the chunk of a builtin class gets as its fourth: misusing(class,
// options) says why no instance can be made of the options, nil if it can. An
// option is one that the class or one above declares in its table options, or a
// field that they have.
func (s *script) misusing(L *lua.LState) int {
	class, name := L.CheckTable(1), L.GetField(L.Get(1), "class_name").String()
	options, isTable := L.Get(2).(*lua.LTable)
	message := ""
	switch {
	case isTable && options == s.pharos:
		message = fmt.Sprintf("cannot make a %s with a colon: write pharos.%s{ name = ... }, with a dot", name, name)
	case !isTable:
		message = fmt.Sprintf("cannot make a %s of a %s: write %s{ name = ... }", name, typeName(L.Get(2)), name)
	case vm.Plain(options).Metatable != lua.LNil && !isInstance(options):
		message = fmt.Sprintf("cannot make a %s of a table with a metatable, which the class takes the place of: copy what it inherits into the table", name)
	case isInstance(options):
		message = fmt.Sprintf("cannot make a %s of a table that is one already: give each a table of its own", name)
	default:
		for k, v := range vm.Pairs(options) {
			vm.Charge(L, 1)
			if message = optionMistake(L, class, name, k, v); message != "" {
				break
			}
		}
	}
	return pushMessage(L, message)
}

func pushMessage(L *lua.LState, message string) int {
	if message == "" {
		return 0
	}
	L.Push(lua.LString(message))
	return 1
}

// note is what it gets as its sixth: note(instance) takes down a watcher that was made
// while the files load.
func (s *script) note(L *lua.LState) int {
	if made := L.CheckTable(1); s.reads != nil && isSubclass(made.Metatable, s.pharos.RawGetString("MetricWatcher")) {
		s.made = append(s.made, made)
	}
	return 0
}

// optionMistake is why an option of a class of that name cannot be used; "" if it
// can.
func optionMistake(L *lua.LState, class *lua.LTable, className string, option, v lua.LValue) string {
	text, isText := option.(lua.LString)
	if !isText {
		return fmt.Sprintf("cannot use option [%s] of %s: options have names, { name = ... }", option, className)
	}
	name, given := vm.Brief(string(text)), v.Type().String()
	got := given
	if given == "userdata" {
		got = "source"
	}
	switch types := declaredTypes(class, name); {
	case types == got || hasWord(types, got) || hasWord(types, given):
		return ""
	case types != "":
		want := strings.ReplaceAll(types, "|", " or ")
		want = strings.ReplaceAll(want, "source", "what pharos.exec.stream, pharos.http.sse, pharos.tcp.lines or pharos.file.tail gives")
		if name == "thresholds" {
			want = "{ min, warn, crit } or { warn = ..., crit = ... }"
		}
		return fmt.Sprintf("cannot use option %q of %s: want %s, got %s", name, className, want, got)
	case slices.Contains(reservedFields, name) || isNil(L.GetField(class, name)):
		return fmt.Sprintf("cannot use option %q of %s %s", name, className, unknownName(name, optionsOf(class)))
	}
	return ""
}

// hasWord tells whether a word is one of those that types are divided into.
func hasWord(types, word string) bool {
	for one := range words(types) {
		if one == word {
			return true
		}
	}
	return false
}

// words are those that the types of an option are divided into.
func words(types string) iter.Seq[string] {
	return strings.FieldsFuncSeq(types, func(r rune) bool { return !unicode.IsLetter(r) })
}

// declaredTypes are the types that an option may have; "" if nobody declares it.
func declaredTypes(class *lua.LTable, name string) string {
	for class := range lineage(class) {
		if options, ok := class.RawGetString("options").(*lua.LTable); ok {
			if types, _ := options.RawGetString(name).(lua.LString); types != "" {
				return string(types)
			}
		}
	}
	return ""
}

// optionsOf is what can be given to a class, to say so: methods are left out.
func optionsOf(class *lua.LTable) (names []string) {
	for class := range lineage(class) {
		names = append(names, namesOfAny(class.RawGetString("options"))...)
		class.ForEach(func(k, v lua.LValue) {
			if name := k.String(); v.Type() != lua.LTFunction && !slices.Contains(reservedFields, name) {
				names = append(names, name)
			}
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// misdeclaring is what it gets as its fifth: misdeclaring(options) says why a class
// cannot declare these options, nil if it can.
func misdeclaring(L *lua.LState) int {
	if isNil(L.Get(1)) {
		return 0
	}
	options, ok := L.Get(1).(*lua.LTable)
	if !ok {
		return pushMessage(L, "cannot declare options: want a table, got a "+typeName(L.Get(1)))
	}
	ours := L.Context() == nil // no script runs yet
	for k, v := range vm.Pairs(options) {
		if !ours {
			vm.Charge(L, 1)
		}
		name, named := k.(lua.LString)
		types, typed := v.(lua.LString)
		if !named || !typed {
			return pushMessage(L, fmt.Sprintf("cannot declare option [%s] = %s: want name = \"its Lua types\"", k, v))
		}
		for word := range words(string(types)) {
			if !slices.Contains(optionTypes, word) {
				return pushMessage(L, fmt.Sprintf("cannot declare option %q: there is no type %q %s", string(name), word, unknownName(word, optionTypes)))
			}
		}
	}
	return 0
}
