package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// logFormat is how the log is written: "text", or "json" for who collects it.
type logFormat string

func (f *logFormat) String() string { return string(*f) }
func (f *logFormat) Type() string   { return "text|json" }

func (f *logFormat) Set(name string) error {
	if name != "text" && name != "json" {
		return errors.New("want text or json")
	}
	*f = logFormat(name)
	return nil
}

// newLogger logs lines to w. Verbosity 0 shows warnings and errors, 1 information,
// 2 and more debugging.
func newLogger(w io.Writer, verbosity int, format logFormat) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelWarn}
	switch {
	case verbosity == 1:
		options.Level = slog.LevelInfo
	case verbosity > 1:
		options.Level = slog.LevelDebug
	}
	if format == "json" {
		options.ReplaceAttr = asText
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// asText has a duration in JSON as it is in text, "1.5s", and not as a number of
// nanoseconds.
func asText(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// logQueue is how many lines wait for whoever reads the log, at most.
const logQueue = 1024

// logWriter writes lines in a goroutine of its own: whoever reads them may stand
// still, as a pager or a logging driver that blocks, and each run that tells of a
// change would stand still with it. Lines that find no place are counted and lost.
type logWriter struct {
	w    io.Writer
	done chan struct{} // closed when nothing is written any more

	mu     sync.Mutex
	lines  chan []byte // nil once it is closed
	lost   int         // since the last line that found a place
	told   *slog.Logger
	notice bytes.Buffer // what told writes to
}

func newLogWriter(w io.Writer, format logFormat) *logWriter {
	l := &logWriter{w: w, done: make(chan struct{}), lines: make(chan []byte, logQueue)}
	l.told = newLogger(&l.notice, 0, format)
	go l.run(l.lines)
	return l
}

func (l *logWriter) run(lines <-chan []byte) {
	defer close(l.done)
	for line := range lines {
		_, _ = l.w.Write(line) // there is nobody left to tell
	}
}

// Write takes a line, and never waits. How many are missing is said where they are.
func (l *logWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellLost()
	if l.lost > 0 || !l.offer(line) {
		l.lost++
	}
	return len(line), nil
}

func (l *logWriter) tellLost() {
	if l.lost == 0 {
		return
	}
	l.notice.Reset()
	l.told.Warn("lines are missing here: whoever reads the log did not keep up", "lines", l.lost)
	if l.offer(l.notice.Bytes()) {
		l.lost = 0
	}
}

func (l *logWriter) offer(line []byte) bool {
	select {
	case l.lines <- bytes.Clone(line):
		return true
	default:
		return false
	}
}

// close waits for the lines to be written, but not longer than it may take. What
// comes later is lost.
func (l *logWriter) close(limit time.Duration) {
	l.mu.Lock()
	if l.lines != nil {
		l.tellLost()
		close(l.lines)
		l.lines = nil
	}
	l.mu.Unlock()
	select {
	case <-l.done:
	case <-time.After(limit):
	}
}
