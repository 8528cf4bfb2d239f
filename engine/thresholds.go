package engine

// Thresholds judge a number. Each is optional.
type Thresholds struct {
	Min  *float64 // at or below it is a warning: too fast is suspicious
	Warn *float64
	Crit *float64
}

// Judge gives the status of v: at or beyond Crit critical, at or beyond Warn
// warning, at or below Min warning, else ok. If Crit is below Warn the
// judgement turns round (days left, free disk): at or below Crit critical, at
// or below Warn warning, and Min is then a maximum. NaN is unknown.
func (t Thresholds) Judge(v float64) Status {
	if v != v {
		return Unknown
	}
	beyond := func(limit *float64) bool { return limit != nil && v >= *limit }
	short := func(limit *float64) bool { return limit != nil && v <= *limit }
	if t.Warn != nil && t.Crit != nil && *t.Crit < *t.Warn {
		beyond, short = short, beyond
	}
	switch {
	case beyond(t.Crit):
		return Critical
	case beyond(t.Warn), short(t.Min):
		return Warning
	}
	return OK
}
