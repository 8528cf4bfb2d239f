package luaapi

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
)

// What goes through Lua comes back as it was, keys sorted.
func TestJSONThroughLua(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`{}`, `{}`},
		{`[]`, `[]`},
		{`{"a":[],"b":{}}`, `{"a":[],"b":{}}`},
		{`[1,null,3]`, `[1,null,3]`},
		{`null`, `null`},
		{`{"z":1,"a":{"y":null}}`, `{"a":{"y":null},"z":1}`},
		{`[9007199254740991,-9007199254740991,1e300,0.1,-0.5]`, `[9007199254740991,-9007199254740991,1e+300,0.1,-0.5]`},
		{`"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t\u0001"`, `"é😀\"\\/\u0008\u000c\n\r\t\u0001"`},
		{`"\ud800x"`, `"` + "\uFFFDx" + `"`},
		{`[[[]]]`, `[[[]]]`},
		{` [ true , false ] `, `[true,false]`},
		{`{"a":1,"a":2}`, `{"a":2}`},
	} {
		b := newTestBoard(t)
		got := b.check(`local v = pharos.json.decode([==[` + test.in + `]==]) return "ok", pharos.json.encode(v)`)
		if got.Value != test.want {
			t.Errorf("encode(decode(%s)) = %s, want %s", test.in, got.Value, test.want)
		}
	}
}

func TestJSONEncode(t *testing.T) {
	for in, want := range map[string]string{
		`{1, 2, 3}`:                `[1,2,3]`,
		`{}`:                       `{}`,
		`pharos.json.array({})`:    `[]`,
		`{ [1] = 1, [3] = 3 }`:     `{"1":1,"3":3}`,
		`{ a = pharos.json.null }`: `{"a":null}`,
		`{ 1, x = 2 }`:             `{"1":1,"x":2}`,
		`(function() local t = {1} return { t, t } end)()`: `[[1],[1]]`,
		`"\255x"`:                     "\"\uFFFDx\"",
		`2^53`:                        `9.007199254740992e+15`,
		`{ 1, 2, nil, 4, [2.5] = 9 }`: `{"1":1,"2":2,"2.5":9,"4":4}`, // as many keys as the last number
		`{ 1, 2, [0] = 0 }`:           `{"0":0,"1":1,"2":2}`,
		`{ [1] = 1, [-1] = 2 }`:       `{"-1":2,"1":1}`,
	} {
		b := newTestBoard(t)
		if got := b.check(`return "ok", pharos.json.encode(` + in + `)`); got.Value != want {
			t.Errorf("encode(%s) = %s %s, want %s", in, got.Value, got.Detail, want)
		}
	}
}

func TestJSONEncodeRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`0/0`:                      "cannot encode JSON: JSON has no nan",
		`{ a = { 1, math.huge } }`: `cannot encode JSON: at "a": at [2]: JSON has no inf`,
		`function() end`:           "cannot encode JSON: a function is no plain data",
		`{ [true] = 1 }`:           "cannot encode JSON: a key is a boolean (true)",
		`(function() local t = {} t.t = t return t end)()`: `cannot encode JSON: at "t": a table holds itself`,
		`pharos.ring(1)`:                   "cannot encode JSON: a userdata is no plain data",
		`{ 1, ["1"] = 2 }`:                 `cannot encode JSON: two keys are "1"`,
		`{ [1 / 3] = 1, [1 - 2 / 3] = 2 }`: `cannot encode JSON: two keys are "0.33333333333333"`,
	} {
		b := newTestBoard(t)
		if got := b.check(`return "ok", pharos.json.encode(` + in + `)`); !strings.Contains(got.Detail, want) {
			t.Errorf("encode(%s) = %q, want %q", in, got.Detail, want)
		}
	}
}

// What can be encoded can be decoded: self.state comes back that way.
func TestJSONDeep(t *testing.T) {
	for levels := jsonMaxDepth - 2; levels <= jsonMaxDepth+3; levels++ {
		b := newTestBoard(t)
		got := b.check(fmt.Sprintf(`local t = 1 for i = 1, %d do t = { t } end
			local ok, text = pcall(pharos.json.encode, t)
			return "ok", ok and tostring(pharos.json.decode(text)) or "refused"`, levels))
		want := "refused"
		if levels <= jsonMaxDepth+1 {
			want = "table: "
		}
		if !strings.HasPrefix(got.Value, want) {
			t.Errorf("%d tables, one in the other: %q %q, want %q", levels, got.Value, got.Detail, want)
		}
	}
}

// Beyond the end of a table's array part # tells nothing of a list's length.
func TestJSONLongList(t *testing.T) {
	list := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	if _, err := decodeJSON(list(lua.MaxArrayIndex - 1)); err != nil {
		t.Errorf("%d elements: %v", lua.MaxArrayIndex-1, err)
	}
	const want = "a list of more than 262143 elements"
	if _, err := decodeJSON(list(lua.MaxArrayIndex)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%d elements: err = %v, want %s", lua.MaxArrayIndex, err, want)
	}
	b := newTestBoard(t)
	got := b.check(`local t = {} for i = 1, 262200 do t[i] = 0 end return "ok", pharos.json.encode(t):sub(1, 5)`)
	if got.Value != "[0,0," {
		t.Errorf("encoding a longer one gives %q %q, want a list", got.Value, got.Detail)
	}
}

// A text can be of values that take a hundred times its bytes.
func TestJSONMemory(t *testing.T) {
	long := func(item string) string {
		list := "[" + strings.Repeat(item+",", 999) + item + "],"
		return "[" + strings.Repeat(list, jsonMaxBytes/len(list)-1) + "0]"
	}
	for _, item := range []string{"[]", "{}", `{"a":1}`, `{"a":1,"b":2}`, "[[1]]"} {
		const want = "its values take more than 256 MB"
		if _, err := decodeJSON(long(item)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("8 MB of %s: err = %v, want %s", item, err, want)
		}
	}
	for _, item := range []string{
		`{"name":"web-1","address":"192.0.2.17","up":true,"weight":10,"checks":[{"id":4711,"passed":true}]}`,
		`[1735689600,"0.25"]`, `12`, `"a line of a log"`,
	} {
		if _, err := decodeJSON(long(item)); err != nil {
			t.Errorf("8 MB of %s: err = %v", item, err)
		}
	}
}

// The limit holds whatever the text is of: a table that is in another one many
// times over is text as often.
func TestJSONEncodeLimit(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	for _, leaf := range []string{`{}`, `1`, `"x"`, `true`, `{ [{}] = nil }`} {
		if err := L.DoString(`local t = ` + leaf + ` for i = 1, 20 do t = { t, t } end return t`); err != nil {
			t.Fatal(err)
		}
		const limit = 1000
		e := jsonEncoder{limit: limit, path: make(map[*lua.LTable]bool)}
		err := e.value(L.Get(-1), 0)
		if err == nil || !strings.Contains(err.Error(), "more than 1000 bytes") || len(e.out) > 2*limit {
			t.Errorf("encoding a million of %s: %v, %d bytes, want more than %d bytes", leaf, err, len(e.out), limit)
		}
	}
}

func TestJSONDecodeErrors(t *testing.T) {
	for in, want := range map[string]string{
		``:                       "line 1, column 1: the text ends too early",
		`{"a":1`:                 `line 1, column 7: want "," or "}"`,
		"[1,\n 2 3]":             `line 2, column 4: want "," or "]"`,
		`01`:                     `line 1, column 1: want a number as JSON has it, got "01"`,
		`1.`:                     `line 1, column 1: want a number as JSON has it, got "1."`,
		`-`:                      `line 1, column 1: want a number as JSON has it, got "-"`,
		`1e999`:                  `line 1, column 1: the number "1e999" is too large`,
		`tru`:                    `line 1, column 1: want a value, got 't'`,
		`"\x"`:                   `line 1, column 3: no such escape as \x`,
		`"\u12g4"`:               `line 1, column 4: want four hexadecimal digits after \u`,
		"\"a\nb\"":               "line 1, column 3: a control character in a string",
		`{a:1}`:                  "line 1, column 2: want a key in quotes",
		`[] []`:                  "line 1, column 4: something follows the value",
		`"`:                      "line 1, column 2: a string without end",
		strings.Repeat("[", 100): "line 1, column 66: nested deeper than 64",
	} {
		_, err := decodeJSON(in)
		if err == nil || err.Error() != want {
			t.Errorf("decodeJSON(%q) = %v, want %s", in, err, want)
		}
	}
}

// plain makes what decodeJSON gives comparable with encoding/json's.
func plain(v any) any {
	switch v := v.(type) {
	case jsonArray:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item)
		}
		return list
	case *jsonObject:
		object := map[string]any{}
		for i, key := range v.keys {
			object[key] = plain(v.values[i])
		}
		return object
	}
	return v
}

// Any bytes are a value or an error, and encoding/json agrees on which, but for
// nesting and numbers beyond float64.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e-3,null,true],"é":"\ud83d\ude00"}`, `[[`, `"\u00`, `-`, "\xff", `{"a":1,"a":{}}`, `1e400`, ` 0 `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := decodeJSON(text)
		var want any
		wantErr := json.Unmarshal([]byte(text), &want)
		if err != nil {
			if wantErr == nil && !strings.Contains(err.Error(), "nested deeper") && !strings.Contains(err.Error(), "that fits") {
				t.Fatalf("decodeJSON(%q) = %v, but encoding/json takes it", text, err)
			}
			return
		}
		if wantErr != nil {
			t.Fatalf("decodeJSON(%q) = %v, but encoding/json says %v", text, got, wantErr)
		}
		if utf8.ValidString(text) {
			if diff := cmp.Diff(want, plain(got), cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) })); diff != "" {
				t.Fatalf("decodeJSON(%q) (-encoding/json +got):\n%s", text, diff)
			}
		}
	})
}
