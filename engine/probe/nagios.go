package probe

import (
	"strconv"
	"strings"
)

// NagiosOutput is what a monitoring plugin printed, taken apart as the
// Monitoring Plugins Development Guidelines say. The verdict is not here: it is
// the plugin's exit code (0 ok, 1 warning, 2 critical, else unknown).
type NagiosOutput struct {
	Text string         // the first line, without performance data
	Long string         // the lines after it, without performance data
	Perf []NagiosMetric // in the order printed; at most 1,000
}

// NagiosMetric is one item of performance data.
type NagiosMetric struct {
	Label string
	Value float64
	Known bool   // false: the plugin could not determine the value ("U"), Value is 0
	Unit  string // as printed: s, ms, %, B, KB, c (a counter), ... or ""

	Warn, Crit string   // ranges as printed, "" if none
	Min, Max   *float64 // nil if not printed
}

const nagiosMostMetrics = 1000

// ParseNagios takes a plugin's output apart. Nothing is an error: what is not
// performance data by the guidelines is passed over, and text without a bar is
// text. Numbers may have a decimal comma, as plugins print them in some locales.
func ParseNagios(output string) NagiosOutput {
	var out NagiosOutput
	var perf strings.Builder
	var long []string
	inPerf := false // from the second bar on all is performance data
	first := true
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		if inPerf {
			perf.WriteString(line + " ")
			continue
		}
		text, data, bar := strings.Cut(line, "|")
		perf.WriteString(data + " ")
		text = strings.TrimRight(text, " \t")
		if first {
			out.Text, first = strings.TrimLeft(text, " \t"), false
			continue
		}
		long = append(long, text)
		inPerf = bar
	}
	out.Long = strings.Trim(strings.Join(long, "\n"), "\n")
	out.Perf = parseNagiosPerf(perf.String())
	return out
}

// parseNagiosPerf reads items divided by blanks: 'label'=value[unit];[warn];[crit];[min];[max]
func parseNagiosPerf(s string) []NagiosMetric {
	var metrics []NagiosMetric
	for len(metrics) < nagiosMostMetrics {
		s = strings.TrimLeft(s, " \t;")
		if s == "" {
			break
		}
		label, rest, ok := nagiosLabel(s)
		item, after := nagiosBlank(rest)
		s = after
		if !ok {
			continue
		}
		if m, ok := nagiosMetric(label, item); ok {
			metrics = append(metrics, m)
		}
	}
	return metrics
}

// nagiosBlank divides s at the first blank.
func nagiosBlank(s string) (before, after string) {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// nagiosLabel reads a label and its equals sign. If there is none, rest is
// where to look for the next item's end.
func nagiosLabel(s string) (label, rest string, ok bool) {
	if s[0] != '\'' {
		word, _ := nagiosBlank(s)
		label, _, ok := strings.Cut(word, "=")
		if !ok || label == "" {
			return "", s, false
		}
		return label, s[len(label)+1:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' { // '' stands for one quote
			b.WriteByte('\'')
			i++
			continue
		}
		if i+1 < len(s) && s[i+1] == '=' && b.Len() > 0 {
			return b.String(), s[i+2:], true
		}
		return "", s[i+1:], false
	}
	return "", s, false
}

func nagiosMetric(label, item string) (NagiosMetric, bool) {
	fields := strings.Split(item, ";")
	m := NagiosMetric{Label: label}
	if fields[0] == "U" {
		fields[0] = ""
	} else {
		n := nagiosNumberLen(fields[0])
		value, ok := nagiosNumber(fields[0][:n])
		if !ok {
			return m, false
		}
		m.Value, m.Unit, m.Known = value, fields[0][n:], true
	}
	field := func(i int) string {
		if i < len(fields) {
			return fields[i]
		}
		return ""
	}
	m.Warn, m.Crit = field(1), field(2)
	m.Min, m.Max = nagiosBound(field(3)), nagiosBound(field(4))
	return m, true
}

func nagiosBound(s string) *float64 {
	if v, ok := nagiosNumber(s); ok {
		return &v
	}
	return nil
}

// nagiosNumberLen is the length of the number that s starts with: sign,
// digits, a point or comma, digits, an exponent if there are digits in it.
func nagiosNumberLen(s string) int {
	digits := func(i int) int {
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i
	}
	sign := func(i int) int {
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		return i
	}
	i := digits(sign(0))
	if i < len(s) && (s[i] == '.' || s[i] == ',') {
		i = digits(i + 1)
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if start := sign(i + 1); digits(start) > start {
			i = digits(start)
		}
	}
	return i
}

func nagiosNumber(s string) (float64, bool) {
	if s == "" || nagiosNumberLen(s) != len(s) {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	return v, err == nil
}
