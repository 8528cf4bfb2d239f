package probe

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// execRun is a started command.
type execRun struct {
	killAfter   time.Duration
	process     *execProcess
	interrupted bool // ctx ended before the command did

	stdin          *os.File // nil without input
	stdout, stderr execOutput
	lines          *lineWriter // takes standard output instead of stdout; nil = nobody does
	pipes          [2]*os.File // our ends of stdout and stderr
	copying        sync.WaitGroup
}

// start starts the command; the error is that of the system.
func (p *execPlan) start() (*execRun, error) {
	run := &execRun{killAfter: p.req.KillAfter, lines: p.lines}
	run.stdout.max, run.stderr.max = p.req.MaxOutput, p.req.MaxOutput
	theirs, err := run.open(p.req.Stdin != nil)
	defer execClose(theirs[:])
	if err != nil {
		run.close()
		return nil, err
	}
	attr := &os.ProcAttr{Dir: p.req.Dir, Env: p.env, Files: theirs[:], Sys: &syscall.SysProcAttr{Setpgid: true, Credential: p.credential}}
	run.process, err = startExecProcess(p.path, p.argv, attr, p.blocking)
	if p.shell != nil && execShellsAffair(err) {
		run.process, err = startExecProcess(execShell, p.shell, attr, p.blocking)
	}
	if err != nil {
		run.close()
		return nil, err
	}
	run.copy(p.req.Stdin)
	return run, nil
}

// execShellsAffair holds for the failures that a shell answers by itself: with
// code 126 or 127 and a message, or by running the file as a script.
func execShellsAffair(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOEXEC, syscall.ENOENT, syscall.ENOTDIR, syscall.EACCES} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// open makes the pipes and gives the command's ends.
func (run *execRun) open(input bool) (theirs [3]*os.File, err error) {
	if input {
		theirs[0], run.stdin, err = os.Pipe()
	} else {
		theirs[0], err = os.Open(os.DevNull)
	}
	for i := 0; i < len(run.pipes) && err == nil; i++ {
		run.pipes[i], theirs[i+1], err = os.Pipe()
	}
	return theirs, err
}

func execClose(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

func (run *execRun) close() {
	execClose(run.pipes[:])
	if run.stdin != nil {
		run.stdin.Close()
	}
}

func (run *execRun) copy(stdin []byte) {
	var out execSink = &run.stdout
	if run.lines != nil {
		out = run.lines
	}
	run.copying.Go(func() { execRead(out, run.pipes[0]) })
	run.copying.Go(func() { execRead(&run.stderr, run.pipes[1]) })
	if run.stdin != nil {
		run.copying.Go(func() {
			_, _ = run.stdin.Write(stdin) // a command need not read its input
			run.stdin.Close()
		})
	}
}

// follow waits for the command's end and brings it about when ctx ends, without
// time to end by itself once hurried is over. It reports false if even KILL did
// not end it.
func (run *execRun) follow(ctx, hurried context.Context) (finished bool) {
	if run.process.await(ctx, 0) {
		return true
	}
	run.interrupted = true
	run.process.signal(syscall.SIGTERM)
	if run.process.await(hurried, run.killAfter) {
		return true
	}
	run.process.signal(syscall.SIGKILL)
	return run.process.await(context.Background(), execGiveUp)
}

// collect ends the group and gives what the command left. A command that could
// not be ended is reaped, and done called, whenever it ends.
func (run *execRun) collect(finished bool, done func()) *ExecResult {
	// The leader is still a zombie here, so its group's id cannot be another's.
	run.process.signal(syscall.SIGKILL)
	deadline := time.Now().Add(execDrain)
	for _, pipe := range run.pipes {
		_ = pipe.SetReadDeadline(deadline)
	}
	if run.stdin != nil {
		_ = run.stdin.SetWriteDeadline(deadline)
	}
	run.copying.Wait()
	run.close()

	res := &ExecResult{Code: -1, Stdout: run.stdout.bytes(), Stderr: run.stderr.bytes()}
	res.Truncated = run.stdout.truncated() || run.stderr.truncated()
	if !finished {
		go func() {
			run.process.await(context.Background(), 0)
			run.process.reap()
			done()
		}()
		return res
	}
	status := run.process.reap()
	done()
	switch {
	case status.Exited():
		res.Code = status.ExitStatus()
	case status.Signaled():
		res.Signal = execSignalName(status.Signal())
	}
	return res
}

// execSignalName names a signal as kill -l and ssh do: "KILL".
func execSignalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); len(name) > len("SIG") {
		return name[len("SIG"):]
	}
	return sig.String()
}
