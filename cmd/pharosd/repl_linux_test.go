package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal with pharosd at its other end.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd

	mu     sync.Mutex
	screen bytes.Buffer // what was written to it and not yet expected
	closed bool
}

// newTerminal runs pharosd on a terminal of 80 x 24, with its history in state.
func newTerminal(t *testing.T, state string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlocking the terminal: %v", err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("naming the terminal: %v", err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	term := &terminal{t: t, master: master, cmd: exec.Command("pharosd", args...)}
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = tty, tty, tty
	term.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state, "TERM=xterm")
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.cmd.Process.Kill() })
	go term.watch()
	return term
}

func (term *terminal) watch() {
	buf := make([]byte, 4096)
	for {
		n, err := term.master.Read(buf)
		term.mu.Lock()
		term.screen.Write(buf[:n])
		term.closed = err != nil
		term.mu.Unlock()
		if err != nil {
			return // the other end is gone
		}
	}
}

// press types keys, as bytes that a terminal sends.
func (term *terminal) press(keys string) {
	term.t.Helper()
	if _, err := io.WriteString(term.master, keys); err != nil {
		term.t.Fatalf("typing %q: %v", keys, err)
	}
}

// expect waits until text is on the screen, and gives what came up to its end.
func (term *terminal) expect(text string) string {
	term.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		term.mu.Lock()
		shown := term.screen.String()
		at := strings.Index(shown, text)
		if at >= 0 {
			term.screen.Next(at + len(text))
		}
		closed := term.closed
		term.mu.Unlock()
		switch {
		case at >= 0:
			return shown[:at+len(text)]
		case closed || time.Now().After(deadline):
			term.t.Fatalf("the terminal shows %q, want %q", shown, text)
		}
	}
}

// What keys of a terminal send.
const (
	pressUp, pressLeft     = "\x1b[A", "\x1b[D"
	pressHome, pressEnd    = "\x1b[H", "\x1b[F"
	pressTab, pressEnter   = "\t", "\r"
	pressBackspace         = "\x7f"
	pressCtrlC, pressCtrlD = "\x03", "\x04"
)

// line is how a prompt shows a value: alone, and no longer in the editor, which
// makes sure that it leaves in a row of its own.
func line(text string) string { return "\r\n \b" + noPasteMarks + text + "\r\n" }

func TestReplOnATerminal(t *testing.T) {
	state := t.TempDir()
	term := newTerminal(t, state, "repl")
	term.expect("Ctrl-D ends")
	term.expect(pasteMarks) // asked for, or a tab in what is pasted would complete
	term.expect("> ")

	term.press("9 + 1" + pressEnter)
	term.expect(line("10"))
	term.press("70 + 5" + pressLeft + pressBackspace + pressBackspace + "* " + pressHome + "1" + pressEnter)
	term.expect(line("850"))
	term.press(pressUp + pressUp + "00" + pressEnter) // the line before the last
	term.expect(line("109"))

	// A wide character takes two columns, and the cursor goes by as many.
	term.press("#'日本'" + pressLeft + pressLeft)
	term.expect("\x1b[7G")
	term.press("x" + pressEnter)
	term.expect(line("7"))

	term.press("pharos.js" + pressTab + ".enc" + pressTab + "({1})" + pressEnter)
	term.expect(line(`"[1]"`))
	term.press("pharos.t" + pressTab)
	if choice := term.expect("tls"); !strings.Contains(choice, "tcp") {
		t.Errorf("Tab after pharos.t shows %q, want tcp, time and tls to choose from", choice)
	}
	term.press(pressCtrlC)

	term.press("nonsense(" + pressCtrlC + "6 * 7" + pressEnter)
	if shown := term.expect(line("42")); strings.Contains(shown, "error") || strings.Contains(shown, "cannot") {
		t.Errorf("after Ctrl-C in a line the terminal shows %q, want that line gone", shown)
	}
	term.press("for i = 1, 2 do" + pressEnter)
	term.expect(">> ")
	term.press("pharos.log(i * 11) end" + pressEnter)
	term.expect("22")

	term.press("print('running') while true do end" + pressEnter)
	term.expect(line("running"))
	term.press(pressCtrlC)
	term.expect("interrupted")
	term.expect("> ")
	term.press("print('waiting') return pharos.time.sleep(20)" + pressEnter)
	term.expect(line("waiting"))
	term.press(pressCtrlC)
	if shown := term.expect("> "); !strings.Contains(shown, "interrupted") || strings.Contains(shown, "nil") {
		t.Errorf("after Ctrl-C in a primitive the terminal shows %q, want interrupted and no values", shown)
	}

	// A terminal that was asked to marks what is pasted.
	term.press("\x1b[200~for i = 3, 3 do\r\tprint('a\tb', i * 11)\rend\x1b[201~" + pressEnter)
	term.expect(line("a\tb\t33"))
	term.expect("> ")
	term.press("#'" + strings.Repeat("x", 10_000) + "'" + pressEnter)
	term.expect(line("10000"))
	term.press("'still ' .. 'here'" + pressEnter)
	term.expect("still here")

	term.press(pressCtrlD)
	if err := term.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-D pharosd repl ends with %v, want 0", err)
	}

	again := newTerminal(t, state, "repl")
	again.expect("> ")
	again.press(pressUp + pressEnter)
	again.expect("still here")
	again.press(pressCtrlD)
	if err := again.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-D pharosd repl ends with %v, want 0", err)
	}
}

// What is typed is shown for the width that the terminal has got.
func TestReplOnAResizedTerminal(t *testing.T) {
	term := newTerminal(t, t.TempDir(), "repl")
	term.expect("> ")
	term.press(strings.Repeat("x", 100))
	term.expect(strings.Repeat("x", 100))
	if err := unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 40}); err != nil {
		t.Fatal(err)
	}
	// It is told of at any time. Up to here there were two rows, now there are three.
	for deadline := time.Now().Add(patience); !term.shows("\x1b[2A"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the line is shown in two rows still")
		}
		term.press(pressLeft + pressEnd)
	}
	term.press(pressCtrlC + pressCtrlD)
	if err := term.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-D pharosd repl ends with %v, want 0", err)
	}
}

func (term *terminal) shows(text string) bool {
	term.mu.Lock()
	defer term.mu.Unlock()
	return strings.Contains(term.screen.String(), text)
}

// A signal that ends the prompt leaves the terminal as it was, whether a line is
// typed or runs, and no command behind.
func TestReplIsEnded(t *testing.T) {
	// The tests may run under nohup(1): a signal that is noticed here is not
	// ignored by the children.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		for _, typed := range []string{"1 + ", "print('running') return pharos.exec('echo $$ >pid; sleep 60')" + pressEnter} {
			t.Chdir(t.TempDir())
			pid := "" // of the command
			term := newTerminal(t, t.TempDir(), "repl")
			term.expect("> ")
			term.press(typed)
			if strings.HasSuffix(typed, pressEnter) {
				term.expect(line("running"))
				for deadline := time.Now().Add(patience); pid == ""; time.Sleep(5 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("after %v the command has not begun", patience)
					}
					text, _ := os.ReadFile("pid")
					pid = strings.TrimSpace(string(text))
				}
			} else {
				term.expect("1 + ")
			}
			if err := term.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = term.cmd.Wait()
			if got := term.cmd.ProcessState.Sys().(syscall.WaitStatus); !got.Signaled() || got.Signal() != sig {
				t.Errorf("pharosd repl ended with %v after %v", term.cmd.ProcessState, sig)
			}
			mode, err := unix.IoctlGetTermios(int(term.master.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			if want := uint32(unix.ICANON | unix.ECHO | unix.ISIG); mode.Lflag&want != want {
				t.Errorf("after %v the terminal is in mode %#x, want lines, echo and signals", sig, mode.Lflag)
			}
			if _, err := os.Stat("/proc/" + pid); pid != "" && err == nil {
				t.Errorf("after %v the command runs on", sig)
			}
		}
	}
}
