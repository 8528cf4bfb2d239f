package probe

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFilesRead(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	execWrite(t, file, "0123456789", 0o644)
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path  string
		limit int
		want  string
		kind  Kind
		text  string
	}{
		{file, 10, "0123456789", "", ""},
		{file, 9, "", TooBig, `reading "` + file + `": more than 9 bytes`},
		{file + ".no", 9, "", Missing, `reading "` + file + `.no": no such file or directory`},
		{file + "/x", 9, "", Proto, "not a directory"},
		{dir, 9, "", Proto, "it is a folder"},
		{pipe, 9, "", Proto, "it is not a regular file"},
		{"/dev/zero", 9, "", Proto, "it is not a regular file"},
	} {
		var f Files
		got, err := f.Read(t.Context(), tt.path, tt.limit)
		if string(got) != tt.want || KindOf(err) != tt.kind || err != nil && !strings.HasSuffix(err.Error(), tt.text) {
			t.Errorf("Read(%q, %d) = %q, %s %v, want %q, %s %s", tt.path, tt.limit, got, KindOf(err), err, tt.want, tt.kind, tt.text)
		}
	}
}

func TestFilesStat(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	execWrite(t, file, "0123456789", 0o640)
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	var f Files
	got, err := f.Stat(t.Context(), file)
	if err != nil || got.Size != 10 || !got.ModTime.Equal(old) || got.Age < time.Hour || got.Age > time.Hour+time.Minute || got.Mode.Perm() != 0o640 || got.Dir {
		t.Errorf("Stat(%q) = %+v, %v, want 10 bytes an hour old", file, got, err)
	}
	if got, err := f.Stat(t.Context(), dir); err != nil || !got.Dir {
		t.Errorf("Stat(%q) = %+v, %v, want a folder", dir, got, err)
	}
	if _, err := f.Stat(t.Context(), file+".no"); KindOf(err) != Missing {
		t.Errorf("Stat(%q) = %v, want kind missing", file+".no", err)
	}
}

func TestFilesNewest(t *testing.T) {
	dir := t.TempDir()
	now := time.Now().Truncate(time.Second)
	for name, age := range map[string]time.Duration{
		"db-1.gz": 3 * time.Hour, "db-2.gz": 2 * time.Hour, "db-3.gz": 2 * time.Hour, "db-4.txt": 0,
		".db-5.gz": time.Hour, "db-[x].gz": 4 * time.Hour,
	} {
		execWrite(t, filepath.Join(dir, name), name, 0o644)
		if err := os.Chtimes(filepath.Join(dir, name), now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "db-6.gz"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", filepath.Join(dir, "db-7.gz")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		pattern, want string
		kind          Kind
		text          string
	}{
		{"db-*.gz", "db-3.gz", "", ""}, // of two as new the last
		{"db-?.gz", "db-3.gz", "", ""},
		{"db-[12].gz", "db-2.gz", "", ""},
		{"db-4.txt", "db-4.txt", "", ""},
		{"*", "db-4.txt", "", ""},
		{".*", ".db-5.gz", "", ""},
		{`db-\[*`, "db-[x].gz", "", ""},
		{"*.zip", "", Missing, "*.zip\": no file of such a name"},
		{"no/*", "", Missing, "no such file or directory"},
		{"db-1.gz/*", "", Proto, "not a directory"},
		{"db-[", "", Proto, "syntax error in pattern"},
		{"", "", Missing, "no file of such a name"},
	} {
		var f Files
		got, err := f.Newest(t.Context(), dir+"/"+tt.pattern)
		if KindOf(err) != tt.kind || err != nil && !strings.HasSuffix(err.Error(), tt.text) {
			t.Errorf("Newest(%q) = %+v, %s %v, want %s %s", tt.pattern, got, KindOf(err), err, tt.kind, tt.text)
		}
		if err == nil && (got.Path != filepath.Join(dir, tt.want) || got.Size != int64(len(tt.want))) {
			t.Errorf("Newest(%q) = %+v, want %s", tt.pattern, got, tt.want)
		}
	}
}

// What cannot be looked at has a name of its own.
func TestFilesNewestNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "b.gz")
	if err := os.Symlink("b.gz", loop); err != nil {
		t.Fatal(err)
	}
	pattern := dir + "/*.gz"
	want := `looking for "` + pattern + `": ` + loop + ": too many levels of symbolic links"
	if got, err := new(Files).Newest(t.Context(), pattern); err == nil || err.Error() != want {
		t.Errorf("Newest(%q) = %+v, %v, want %s", pattern, got, err, want)
	}
}

// TestFilesNewestOfMany looks through more names than are held at a time.
func TestFilesNewestOfMany(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	const files = 2*folderPart + 1
	for i := range files {
		name := filepath.Join(dir, strconv.Itoa(i)+".log")
		execWrite(t, name, "", 0o644)
		if i != files/2 {
			if err := os.Chtimes(name, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	var f Files
	got, err := f.Newest(t.Context(), dir+"/*.log")
	if want := filepath.Join(dir, strconv.Itoa(files/2)+".log"); err != nil || got.Path != want {
		t.Errorf("Newest = %+v, %v, want %s", got, err, want)
	}
}

// TestFilesHang asks for a file that the system does not answer for.
func TestFilesHang(t *testing.T) {
	var f Files
	answer := make(chan struct{})
	hang := func(ctx context.Context, path string) error {
		_, err := filesCall(ctx, &f, "reading", path, func() (int, error) {
			<-answer
			return 1, nil
		})
		return err
	}
	for range 2 { // the second does not ask
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := hang(ctx, "/far/a"); KindOf(err) != Timeout {
			t.Errorf("reading what hangs = %v, want kind timeout", err)
		}
		cancel()
	}
	if len(f.stuck) != 1 {
		t.Errorf("%d calls hang, want 1", len(f.stuck))
	}
	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := hang(cancelled, "/far/b"); KindOf(err) != Cancelled {
		t.Errorf("reading, cancelled = %v, want kind cancelled", err)
	}
	for f.free("reading", "/far/c") == nil {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_ = hang(ctx, "/far/"+time.Now().String())
		cancel()
	}
	if _, err := f.Read(t.Context(), "/etc/hostname", 100); KindOf(err) != Overload {
		t.Errorf("reading while much hangs = %v, want kind overload", err)
	}
	close(answer)
	eventually(t, "all have come back", func() bool { return f.free("reading", "/far/a") == nil })
	if _, err := f.Stat(t.Context(), "/"); err != nil {
		t.Errorf("Stat after all have come back = %v, want no error", err)
	}
}

// TestFilesDenied reads, as nobody, what only root may.
func TestFilesDenied(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	execWrite(t, file, "secret", 0o600)
	if err := exec.Command("chmod", "755", filepath.Dir(file), filepath.Dir(filepath.Dir(file))).Run(); err != nil {
		t.Fatal(err)
	}
	cmd := execHelper(t, "file", "exec", file)
	execNobody(t, cmd)
	if got, want := execRunHelper(t, cmd), `auth reading "`+file+`": permission denied`; got != want {
		t.Errorf("Read by nobody = %s, want %s", got, want)
	}
}

// fileHelper reads the file named last.
func fileHelper() {
	var f Files
	_, err := f.Read(context.Background(), os.Args[len(os.Args)-1], 100)
	os.Stdout.WriteString(string(KindOf(err)) + " " + err.Error())
}
