package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

const (
	tailPoll  = 250 * time.Millisecond // between looks at a file that is quiet
	tailChunk = 64 << 10               // bytes read in one look
	tailStuck = 10 * time.Second       // the longest that one look may take
)

// Tail gives the lines that are added to a file to sink until ctx ends, as
// tail -F does: by its name, whichever file has it. It is looked at four times
// a second. A file that is there already is read from its end, or from its
// start if fromStart; one that comes later, one that takes its place (rotation)
// and one that was truncated are read from their start. What was added to a
// file between the last look and its renaming is still read. A file that is not
// there is waited for.
//
// A line without its end waits for it, unless another file takes the place.
// Errors are those of [Files.Read].
func (f *Files) Tail(ctx context.Context, path string, fromStart bool, sink LineSink) error {
	t := &tail{path: path, end: !fromStart, chunk: make([]byte, tailChunk), lines: &lineWriter{line: sink.Line}}
	defer t.stop()
	tick := time.NewTicker(tailPoll)
	defer tick.Stop()
	awaits := ""
	for {
		within, cancel := context.WithTimeout(ctx, tailStuck)
		look, err := filesCall(within, f, "following", path, t.look)
		cancel()
		if err != nil {
			return err
		}
		if look.awaits != awaits {
			awaits = look.awaits
			if look.absent && sink.Absent != nil {
				sink.Absent(awaits)
			} else {
				sink.Up(awaits)
			}
		}
		if look.restarted {
			t.lines.flush()
		}
		_, _ = t.lines.Write(look.data)
		if look.more {
			continue
		}
		select {
		case <-ctx.Done():
			return fileFail(ctx, "following", path, ctx.Err())
		case <-tick.C:
		}
	}
}

// tail is what is known of the file that is followed.
type tail struct {
	path  string
	lines *lineWriter

	mu     sync.Mutex // held by a look, which may hang
	file   *os.File   // nil while there is none
	info   fs.FileInfo
	at     int64
	end    bool // the file that is opened next is read from its end
	chunk  []byte
	closed bool
}

// tailLook is what one look found.
type tailLook struct {
	data      []byte
	restarted bool // data is of another file than before, or of its new start
	more      bool // look again at once
	awaits    string
	absent    bool // there is no such file
}

// stop closes the file; where the system does not answer, when it does.
func (t *tail) stop() {
	shut := func() {
		defer t.mu.Unlock()
		t.closed = true
		t.close()
	}
	if t.mu.TryLock() {
		shut()
		return
	}
	go func() {
		t.mu.Lock()
		shut()
	}()
}

func (t *tail) close() {
	if t.file != nil {
		t.file.Close()
		t.file = nil
	}
}

// look reads what was added.
func (t *tail) look() (*tailLook, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, os.ErrClosed
	}
	look := &tailLook{awaits: "following " + t.path, restarted: t.file == nil}
	now, err := t.find()
	if errors.Is(err, fs.ErrNotExist) {
		look.absent = true
		look.awaits = fmt.Sprintf("waiting for %s: there is no such file", t.path)
	} else if err != nil {
		return nil, err
	}
	if t.file == nil {
		return look, nil
	}
	n, err := t.file.ReadAt(t.chunk, t.at)
	if err != nil && err != io.EOF {
		return nil, err
	}
	t.at += int64(n)
	look.data, look.more = t.chunk[:n], n == len(t.chunk)
	if n == 0 {
		return look, t.turn(now, look)
	}
	return look, nil
}

// find gives the file that has the name now, and opens it if none is followed.
func (t *tail) find() (fs.FileInfo, error) {
	if t.file != nil {
		return os.Stat(t.path)
	}
	end := t.end
	t.end = false
	err := t.open(end)
	return t.info, err
}

func (t *tail) open(end bool) error {
	file, info, err := openRegular(t.path)
	if err != nil {
		return err
	}
	t.file, t.info, t.at = file, info, 0
	if end {
		t.at = info.Size()
	}
	return nil
}

// turn leaves a file that is read to its end and is not the one of that name any
// more, or begins anew with one that was truncated. now is nil while there is
// none of that name.
func (t *tail) turn(now fs.FileInfo, look *tailLook) error {
	if now != nil && !os.SameFile(now, t.info) {
		t.close()
		look.restarted, look.more = true, true
		return nil
	}
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < t.at {
		t.at = 0
		look.restarted, look.more = true, true
	}
	return nil
}
