package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// roleFlag starts this binary as one of the other processes of a measurement.
const roleFlag = "-role"

// roles lists what this binary can be beside the conductor. A role prints one
// line when it is ready, works until its standard input ends, then prints its
// result as JSON.
var roles = map[string]func(args []string, ready func(line string), over <-chan struct{}) (any, error){
	"target":  target,
	"viewers": viewers,
	"rawhttp": rawHTTP,
	"rawsse":  rawSSE,
}

func playRole(name string, args []string) int {
	play, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "pharosload: no role %q\n", name)
		return 1
	}
	over := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(over)
		time.AfterFunc(10*time.Second, func() { os.Exit(3) }) // a role that hangs ends with its conductor all the same
	}()
	result, err := play(args, func(line string) { fmt.Println(line) }, over)
	if err != nil {
		fmt.Fprintf(os.Stderr, "pharosload: %s: %v\n", name, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return 1
	}
	return 0
}

// process is a child: a role, or the daemon.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	first string // its first line
	log   logCount
}

// logCount counts the lines of a child's log and keeps its beginning.
type logCount struct {
	mu    sync.Mutex
	lines int64
	head  []byte
}

const maxLog = 64 << 10

func (l *logCount) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines += int64(bytes.Count(p, []byte("\n")))
	l.head = append(l.head, p[:min(len(p), maxLog-len(l.head))]...)
	return len(p), nil
}

func (l *logCount) count() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}

func (l *logCount) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.head)
}

// spawn starts a child and waits for its first line.
func spawn(path string, args ...string) (*process, error) {
	cmd := exec.Command(path, args...)
	p := &process{cmd: cmd}
	cmd.Stderr = &p.log
	cmd.SysProcAttr = childAttributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.stdin, p.out = stdin, bufio.NewReaderSize(stdout, 1<<16)
	p.first, err = p.out.ReadString('\n')
	if err != nil {
		cmd.Wait()
		return nil, fmt.Errorf("starting %s %s: it ended before it was ready: %s", path, strings.Join(args, " "), p.log.text())
	}
	p.first = strings.TrimSpace(p.first)
	return p, nil
}

// spawnRole starts this binary in a role.
func spawnRole(role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return spawn(self, append([]string{roleFlag, role}, args...)...)
}

// finish ends a role and reads its result.
func (p *process) finish(result any) error {
	p.stdin.Close()
	err := json.NewDecoder(p.out).Decode(result)
	if waitErr := p.cmd.Wait(); err == nil {
		err = waitErr
	}
	return err
}

// stop ends the daemon as an operator does, and tells how long that took.
func (p *process) stop() (time.Duration, error) {
	begin := time.Now()
	timer := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	io.Copy(io.Discard, p.out)
	err := p.cmd.Wait()
	return time.Since(begin), err
}

// kill ends a process that has not ended.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// usage is what a process has used until now.
type usage struct {
	at      time.Time
	cpu     time.Duration // its own, without its children
	rss     int64         // bytes
	threads int
	fds     int
}

// clockTick is the unit of /proc/PID/stat's times: USER_HZ, 100 on every Linux
// that Go runs on.
const clockTick = 10 * time.Millisecond

// usage reads /proc/PID (proc(5)).
func (p *process) usage() (usage, error) {
	dir := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	u := usage{at: time.Now()}
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return u, err
	}
	// The name, in parentheses, may hold anything: count from its end.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	number := func(n int) int64 { // field n of proc(5); the third is the first here
		v, _ := strconv.ParseInt(fields[n-3], 10, 64)
		return v
	}
	u.cpu = time.Duration(number(14)+number(15)) * clockTick
	u.threads = int(number(20))
	u.rss = number(24) * int64(os.Getpagesize())
	entries, err := os.ReadDir(dir + "/fd")
	u.fds = len(entries)
	return u, err
}

// usages reads those of several processes.
func usages(all []*process) ([]usage, error) {
	list := make([]usage, len(all))
	for i, p := range all {
		var err error
		if list[i], err = p.usage(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// cores gives how many processors a process kept busy between two readings.
func cores(from, to usage) float64 {
	return round((to.cpu-from.cpu).Seconds()/to.at.Sub(from.at).Seconds(), 3)
}
