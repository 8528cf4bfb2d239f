package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// filesStuck is how many calls may hang in the system at a time.
const filesStuck = 64

// Files reads files and looks at them without hanging where the system does: a
// file server that went away holds whoever asks for as long as it likes, on a
// thread each. The zero value is ready to use; all calls of a process should
// share one, so that what hangs is not asked again before it answered.
type Files struct {
	mu    sync.Mutex
	stuck map[string]time.Time // since when, by path
}

// FileInfo is what is known of a file without reading it.
type FileInfo struct {
	Path    string // as asked for; of Newest, that of the file
	Size    int64
	ModTime time.Time
	Age     time.Duration // since ModTime; negative if that is to come
	Mode    fs.FileMode
	Dir     bool
}

// Read gives the content of a regular file of at most limit bytes. Errors are
// of kind [Missing], [Auth] (this process may not), [TooBig], [Timeout],
// [Cancelled], [Overload], or [Proto] for what is no such file or cannot be
// read.
func (f *Files) Read(ctx context.Context, path string, limit int) ([]byte, error) {
	return filesCall(ctx, f, "reading", path, func() ([]byte, error) { return fileRead(path, limit) })
}

// Stat looks at a file or folder, or what a link leads to. Errors are those of
// Read.
func (f *Files) Stat(ctx context.Context, path string) (*FileInfo, error) {
	return filesCall(ctx, f, "looking at", path, func() (*FileInfo, error) { return fileStat(path) })
}

// Newest looks at the file that was written last of those in a folder whose names
// match the last part of a path, by the rules of [filepath.Match]. Folders are left
// out, and hidden files unless the pattern begins with a dot, as in a shell. Errors
// are those of Read; where nothing matches it is [Missing].
func (f *Files) Newest(ctx context.Context, path string) (*FileInfo, error) {
	return filesCall(ctx, f, "looking for", path, func() (*FileInfo, error) { return fileNewest(ctx, path) })
}

func fileStat(path string) (*FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return &FileInfo{Path: path, Size: info.Size(), ModTime: info.ModTime(), Age: time.Since(info.ModTime()), Mode: info.Mode(), Dir: info.IsDir()}, nil
}

// folderPart is how many names of a folder are held at a time.
const folderPart = 1000

func fileNewest(ctx context.Context, path string) (*FileInfo, error) {
	dir, pattern := filepath.Split(path)
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	folder, err := os.Open(cmp.Or(dir, "."))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	var newest *FileInfo
	for ctx.Err() == nil {
		names, err := folder.Readdirnames(folderPart)
		for _, name := range names {
			if ok, _ := filepath.Match(pattern, name); !ok || name[0] == '.' && pattern[0] != '.' {
				continue
			}
			info, err := fileStat(dir + name)
			switch {
			case errors.Is(err, fs.ErrNotExist): // it has gone meanwhile
			case err != nil:
				return nil, err
			case !info.Dir && info.newerThan(newest):
				newest = info
			}
		}
		switch {
		case err == io.EOF && newest == nil:
			return nil, &Error{Kind: Missing, Message: fmt.Sprintf("looking for %q: no file of such a name", path)}
		case err == io.EOF:
			return newest, nil
		case err != nil:
			return nil, err
		}
	}
	return nil, ctx.Err()
}

// newerThan tells whether a file was written after other, or has the later name.
func (f *FileInfo) newerThan(other *FileInfo) bool {
	return other == nil || cmp.Or(f.ModTime.Compare(other.ModTime), cmp.Compare(f.Path, other.Path)) > 0
}

func fileRead(path string, limit int) ([]byte, error) {
	file, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = &Error{Kind: TooBig, Message: fmt.Sprintf("reading %q: more than %d bytes", path, limit)}
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

func openRegular(path string) (*os.File, fs.FileInfo, error) {
	// Not to wait for someone to write into a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = errors.New("it is a folder")
	case !info.Mode().IsRegular():
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// filesCall makes a call that may hang, and leaves it behind when ctx ends.
func filesCall[T any](ctx context.Context, f *Files, doing, path string, call func() (T, error)) (T, error) {
	var none T
	if err := f.free(doing, path); err != nil {
		return none, err
	}
	if ctx.Err() != nil {
		return none, fileFail(ctx, doing, path, ctx.Err())
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := call()
		done <- outcome{value, err}
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.stuck, path)
	}()
	select {
	case got := <-done:
		if got.err != nil {
			return none, fileFail(ctx, doing, path, got.err)
		}
		return got.value, nil
	case <-ctx.Done():
		f.leave(path, func() bool { return len(done) > 0 })
		return none, fileFail(ctx, doing, path, ctx.Err())
	}
}

// leave notes that path hangs, unless its call has come back by now.
func (f *Files) leave(path string, back func() bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if back() {
		return
	}
	if f.stuck == nil {
		f.stuck = map[string]time.Time{}
	}
	f.stuck[path] = time.Now()
}

// free is nil unless path, or too much, hangs.
func (f *Files) free(doing, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since, ok := f.stuck[path]; ok {
		return &Error{Kind: Timeout, Message: fmt.Sprintf("%s %q: the system has not answered for %s", doing, path, time.Since(since).Round(time.Second))}
	}
	if len(f.stuck) >= filesStuck {
		return &Error{Kind: Overload, Message: fmt.Sprintf("%s %q: the system does not answer for %d other files", doing, path, len(f.stuck))}
	}
	return nil
}

func fileFail(ctx context.Context, doing, path string, err error) error {
	if told, ok := errors.AsType[*Error](err); ok {
		return told
	}
	e := &Error{Kind: Proto, Err: err}
	reason := err.Error()
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		reason = at.Err.Error()
		if at.Path != path { // of those that match
			reason = at.Path + ": " + reason
		}
	}
	switch {
	case err == ctx.Err() && errors.Is(err, context.DeadlineExceeded):
		e.Kind, reason = Timeout, "the system has not answered in time"
	case err == ctx.Err():
		e.Kind, reason = Cancelled, "cancelled"
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = Missing
	case errors.Is(err, fs.ErrPermission):
		e.Kind = Auth
	case overloaded(err) != "":
		e.Kind = Overload
	}
	e.Message = fmt.Sprintf("%s %q: %s", doing, path, reason)
	return e
}
