package probe

import "bytes"

// LineMax is how many bytes of a line of a stream are kept; the rest of a
// longer one is dropped.
const LineMax = 64 << 10

// LineSink hears of a stream of lines. Its functions are called one at a time;
// while they wait, nothing is read.
type LineSink struct {
	// Up tells that the stream is open, and what comes next.
	Up func(awaits string)
	// Absent tells that there is nothing to read yet, and what is waited for; it
	// may come again in the place of Up. Nil is as Up.
	Absent func(awaits string)
	// Line gives a line without its end (LF or CRLF), valid until it returns.
	Line func(line []byte)
}

// lineWriter makes lines of what is written to it.
type lineWriter struct {
	line  func(line []byte)
	part  []byte     // the beginning of a line
	chunk [8192]byte // what is read into, see space
}

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			w.keep(p)
			return n, nil
		}
		if len(w.part) == 0 {
			w.emit(p[:min(i, LineMax)])
		} else {
			w.keep(p[:i])
			w.flush()
		}
		p = p[i+1:]
	}
}

func (w *lineWriter) keep(p []byte) { w.part = append(w.part, p[:min(len(p), LineMax-len(w.part))]...) }

// flush takes what was begun for a whole line.
func (w *lineWriter) flush() {
	if len(w.part) > 0 {
		w.emit(w.part)
		w.part = w.part[:0]
	}
}

func (w *lineWriter) emit(line []byte) { w.line(bytes.TrimSuffix(line, []byte("\r"))) }

func (w *lineWriter) space() []byte { return w.chunk[:] }
func (w *lineWriter) advance(n int) { _, _ = w.Write(w.chunk[:max(n, 0)]) }
