package web

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pharos/engine"
)

// What is written by hand is what encoding/json writes, for every field of a
// tile, those to come included.
func FuzzTileJSON(f *testing.F) {
	f.Add(uint64(0), "plain", 0.25)
	f.Add(uint64(1), "<a href=\"x\">\\ \u2028 \x00\x7f \xff …</a>", -1e-7)
	f.Add(uint64(2), "", 1e300)
	f.Fuzz(func(t *testing.T, seed uint64, text string, number float64) {
		if math.IsNaN(number) || math.IsInf(number, 0) {
			t.Skip("not a number of JSON")
		}
		any := filler{rand.New(rand.NewPCG(seed, 0)), text, number}
		var u update
		any.fill(reflect.ValueOf(&u).Elem())
		if got, want := string(appendUpdate(nil, &u)), marshalled(t, &u); got != want {
			t.Errorf("appendUpdate() = %s\nwant encoding/json's %s", got, want)
		}
		var b Board
		any.fill(reflect.ValueOf(&b).Elem())
		if got, err := appendBoard(nil, &b); string(got) != marshalled(t, &b) || err != nil {
			t.Errorf("appendBoard() = %s, %v\nwant encoding/json's %s", got, err, marshalled(t, &b))
		}
	})
}

// A field that appendTile forgets is named here.
func TestEveryFieldOfATileIsWritten(t *testing.T) {
	var u update
	filler{rand.New(rand.NewPCG(1, 1)), "text", 1.5}.fill(reflect.ValueOf(&u).Elem())
	u.Tiles = u.Tiles[:1]
	var got, want struct{ Tiles []map[string]any }
	if err := json.Unmarshal(appendUpdate(nil, &u), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(marshalled(t, &u)), &want); err != nil {
		t.Fatal(err)
	}
	for name, value := range want.Tiles[0] {
		if !reflect.DeepEqual(got.Tiles[0][name], value) {
			t.Errorf("appendTile() writes %q as %v, want %v", name, got.Tiles[0][name], value)
		}
	}
}

func TestNumbersAreWrittenAsJSONWritesThem(t *testing.T) {
	numbers := rand.New(rand.NewPCG(3, 3))
	for range 100_000 {
		for _, f := range []float64{
			seconds(time.Duration(numbers.Int64N(int64(48 * time.Hour)))),
			seconds(time.Duration(numbers.Int64N(int64(time.Millisecond)))),
			unixTime(time.UnixMilli(numbers.Int64N(5e12))),
			math.Float64frombits(numbers.Uint64N(0x7ff << 52)),
		} {
			if got, want := string(appendNumber(nil, f)), marshalled(t, f); got != want {
				t.Fatalf("appendNumber(%v) = %s, want %s", f, got, want)
			}
		}
	}
}

func marshalled(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// filler makes values of any type, none of them zero but at random.
type filler struct {
	rand   *rand.Rand
	text   string
	number float64
}

func (f filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+f.rand.IntN(2), 2))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.SetMapIndex(key, value)
	case reflect.Interface:
		v.Set(reflect.ValueOf(f.text + "any"))
	case reflect.String:
		v.SetString([]string{f.text, "plain", "\u2028<&>\t\"\\", "später …"}[f.rand.IntN(4)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat([]float64{f.number, 1.5, -0.000001, 1795367624.011}[f.rand.IntN(4)])
	case reflect.Uint8:
		v.SetUint(uint64(f.rand.IntN(len(engine.Statuses()))))
	case reflect.Uint64, reflect.Uint32, reflect.Uint:
		v.SetUint(f.rand.Uint64() >> 11)
	default:
		v.SetInt(f.rand.Int64() >> 33)
	}
}
