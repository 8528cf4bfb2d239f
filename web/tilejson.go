package web

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// A board of ten thousand tiles is some megabytes of JSON, made again and again
// while people look. By reflection that is most of what a snapshot costs, so
// tiles are written by hand, to the byte as encoding/json writes them: a test
// holds the two together, and fails for a field that is missing here.

// appendBoard appends the board's JSON.
func appendBoard(b []byte, board *Board) ([]byte, error) {
	head := *board
	head.Sets = []Set{}
	text, err := json.Marshal(&head)
	if err != nil {
		return b, err
	}
	b = append(b, text[:len(text)-len("]}")]...) // sets come last
	for i := range board.Sets {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"name":`...), board.Sets[i].Name)
		if note := board.Sets[i].Note; note != "" {
			b = appendText(append(b, `,"note":`...), note)
		}
		if problem := board.Sets[i].Problem; problem != "" {
			b = appendText(append(b, `,"problem":`...), problem)
		}
		b = appendTiles(append(b, `,"tiles":`...), board.Sets[i].Tiles)
		b = append(b, '}')
	}
	return append(b, "]}"...), nil
}

// appendUpdate appends an update's JSON.
func appendUpdate(b []byte, u *update) []byte {
	b = strconv.AppendUint(append(b, `{"rev":`...), u.Rev, 10)
	b = appendNumber(append(b, `,"time":`...), u.Time)
	b = appendTiles(append(b, `,"tiles":`...), u.Tiles)
	return append(b, '}')
}

func appendTiles(b []byte, tiles []Tile) []byte {
	b = append(b, '[')
	for i := range tiles {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTile(b, &tiles[i])
	}
	return append(b, ']')
}

func appendTile(b []byte, t *Tile) []byte {
	b = appendText(append(b, `{"id":`...), string(t.ID))
	b = appendText(append(b, `,"name":`...), t.Name)
	b = appendText(append(b, `,"set":`...), t.Set)
	b = appendText(append(b, `,"status":`...), t.Status.String())
	b = appendText(append(b, `,"value":`...), t.Value)
	b = appendText(append(b, `,"unit":`...), t.Unit)
	b = appendText(append(b, `,"detail":`...), t.Detail)
	b = appendText(append(b, `,"link":`...), t.Link)
	b = appendNumber(append(b, `,"since":`...), t.Since)
	b = strconv.AppendBool(append(b, `,"since_approx":`...), t.SinceApprox)
	b = appendNumberOrNull(append(b, `,"ended":`...), t.Ended)
	b = appendNumberOrNull(append(b, `,"next":`...), t.Next)
	b = appendNumber(append(b, `,"elapsed":`...), t.Elapsed)
	b = appendNumber(append(b, `,"interval":`...), t.Interval)
	b = appendNumber(append(b, `,"timeout":`...), t.Timeout)
	b = appendNumber(append(b, `,"ttl":`...), t.TTL)
	b = strconv.AppendBool(append(b, `,"stale":`...), t.Stale)
	b = strconv.AppendBool(append(b, `,"late":`...), t.Late)
	b = strconv.AppendUint(append(b, `,"missed":`...), t.Missed, 10)
	b = strconv.AppendUint(append(b, `,"runs":`...), t.Runs, 10)
	b = strconv.AppendBool(append(b, `,"running":`...), t.Running)
	b = appendText(append(b, `,"trail":`...), t.Trail)
	if len(t.Blips) > 0 {
		b = appendAny(append(b, `,"blips":`...), t.Blips)
	}
	if t.Was != "" {
		b = appendText(append(b, `,"was":`...), t.Was)
	}
	if len(t.Timing) > 0 {
		b = appendTiming(append(b, `,"timing":`...), t.Timing)
	}
	if t.Error != nil {
		b = appendAny(append(b, `,"error":`...), t.Error)
	}
	if t.Shadow != "" {
		b = appendText(append(b, `,"shadow":`...), string(t.Shadow))
	}
	if t.Confirming != nil {
		b = appendAny(append(b, `,"confirming":`...), t.Confirming)
	}
	if t.Recovered != 0 {
		b = appendNumber(append(b, `,"recovered":`...), t.Recovered)
	}
	if len(t.Cells) > 0 {
		b = appendAny(append(b, `,"cells":`...), t.Cells)
	}
	if t.Events != nil {
		b = appendAny(append(b, `,"events":`...), t.Events)
	}
	return append(b, '}')
}

func appendTiming(b []byte, timing []Phase) []byte {
	b = append(b, '[')
	for i, p := range timing {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(append(b, '['), p.Name), ',')
		b = append(appendNumber(b, p.Seconds), ']')
	}
	return append(b, ']')
}

// appendAny appends what few tiles have. Text and finite numbers marshal.
func appendAny(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append(b, text...)
}

// appendText appends a string. Nearly all are plain ASCII; encoding/json knows
// what to do with the others.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return appendAny(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendNumber appends a number. Nearly all are thousandths or millionths; up
// to fifteen digits these have no shorter form than their own digits.
func appendNumber(b []byte, f float64) []byte {
	for _, scale := range [...]float64{1e3, 1e6} {
		if whole := math.Round(f * scale); math.Abs(whole) < 1e15 && whole/scale == f && (f != 0 || !math.Signbit(f)) {
			return appendDecimal(b, int64(whole), int64(scale))
		}
	}
	return appendAny(b, f)
}

// appendDecimal appends n/scale.
func appendDecimal(b []byte, n, scale int64) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/scale, 10)
	if n %= scale; n == 0 {
		return b
	}
	b = append(b, '.')
	for n > 0 {
		scale /= 10
		b = append(b, byte('0'+n/scale))
		n %= scale
	}
	return b
}

func appendNumberOrNull(b []byte, f *float64) []byte {
	if f == nil {
		return append(b, "null"...)
	}
	return appendNumber(b, *f)
}
