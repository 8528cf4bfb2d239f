package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Defaults of an [ExecRequest].
const (
	DefaultMaxOutput = 64 << 10              // bytes kept of each stream
	DefaultKillAfter = 50 * time.Millisecond // between TERM and KILL
)

const (
	// execGiveUp is how long a killed command may take to end before the call
	// returns without it: a process in uninterruptible sleep, or one that took
	// another user's identity (sudo), cannot be ended from here.
	execGiveUp = 200 * time.Millisecond

	// execDrain is how long the pipes are read after the command ended and its
	// group was killed. Only a child that left the group can still hold them.
	execDrain = 20 * time.Millisecond

	// A command that its deadline ended is not to blame if it had waited this
	// long for its start, and longer than this part of the time it then had.
	execQueuedMost  = 50 * time.Millisecond
	execQueuedShare = 10

	// execSettle is how long a started command keeps its spawn slot while it
	// runs: what is dear in a spawn is the child's dynamic linking, after exec.
	execSettle = 4 * time.Millisecond
)

// ExecRequest is a command to run, here ([Runner.Exec]) or on another host.
// Give Argv or Shell, not both.
type ExecRequest struct {
	Argv  []string // run as it is; Argv[0] is looked up in the PATH of Env
	Shell string   // run as /bin/sh -c would; see [Runner.Exec] for when no shell is needed

	Stdin []byte   // nil: /dev/null
	Env   []string // "NAME=value", laid over the minimal environment
	Dir   string   // working directory; "" is that of pharosd itself
	User  string   // run as this user; needs root or CAP_SETUID and CAP_SETGID

	MaxOutput int           // bytes kept of each stream, half from its start and half from its end; 0 is [DefaultMaxOutput]
	KillAfter time.Duration // from TERM to KILL once the context ended; 0 is [DefaultKillAfter]
}

// setDefaults fills in the limits that were left out.
func (r *ExecRequest) setDefaults() {
	if r.MaxOutput <= 0 {
		r.MaxOutput = DefaultMaxOutput
	}
	if r.KillAfter <= 0 {
		r.KillAfter = DefaultKillAfter
	}
}

// String gives the command for messages, cut to a readable length.
func (r ExecRequest) String() string {
	s := r.Shell
	if r.Argv != nil {
		s = strings.Join(r.Argv, " ")
	}
	return bounded(s, 120)
}

// ExecResult is what became of a command. A nonzero Code is data, not an error.
type ExecResult struct {
	Code      int    // exit code; -1 if a signal ended it
	Signal    string // the signal that ended it, as kill -l names it ("KILL"); else ""
	Stdout    []byte // raw; at most MaxOutput bytes and one line saying how many were left out
	Stderr    []byte
	Elapsed   time.Duration // of the command: from its start to its end
	Queued    time.Duration // before its start: Pharos waiting for a slot, not the command's fault
	Truncated bool          // bytes of Stdout or Stderr were left out
}

// Runner runs commands, many at once but few of them starting at once. The
// zero value is ready to use; all commands of a process should share one.
type Runner struct {
	// MaxRunning caps the commands running at once. 0: as many as the limit on
	// open files allows at 4 descriptors each, a quarter left for others.
	MaxRunning int

	blocking bool // wait as where there is no pidfd; for tests

	once     sync.Once
	hurried  context.Context // over when there is no more time between TERM and KILL
	hurry    context.CancelFunc
	running  chan struct{}
	starting chan struct{} // two for each core: more in parallel start no more a second, only later
	base     []string      // the minimal environment
}

// Exec runs a command until it ends or ctx does.
//
// The command leads a process group of its own. When it ends, whatever is left
// of the group (a background job, the rest of a pipeline) is killed. When ctx
// ends first the group gets TERM, after KillAfter KILL, and Exec returns what
// was written so far along with an error of kind [Timeout], or [Cancelled] if
// it was not the deadline. A process that left its group (setsid) is not
// followed, but nobody waits for it either.
//
// If a good part of the time went by before Pharos could start it, the kind is
// [Overload] instead of [Timeout].
//
// Errors without a result: [Spawn] if the command could not be started,
// [Overload] if Pharos or the machine lacks descriptors, processes, memory or
// a free slot, [Cancelled], and [Misuse].
//
// The environment is PATH, HOME, USER, LOGNAME, TZ and PWD of the user and
// LANG and LC_ALL set to C.UTF-8, so that output does not depend on who
// started pharosd; nothing else of the daemon's own environment is passed on.
//
// A Shell string gives what /bin/sh -c gives, with one process less where that
// is certain to be the same:
//   - if it holds nothing but letters, digits, blanks and _-+.,/:@%= and its
//     first word is a program found in PATH and no word of the shell's own, the
//     words are the argv and no shell runs;
//   - if its first word is such a program and the rest is one simple command
//     (quotes, $name and redirections, but no list, pipe, subshell or
//     substitution), "exec " is put before it, so that the program takes the
//     shell's place;
//   - else the shell runs the string as it is.
//
// In the first two cases a signal that ends the program shows as Signal, where
// a shell in between would have turned it into code 128+n.
func (r *Runner) Exec(ctx context.Context, req ExecRequest) (*ExecResult, error) {
	r.once.Do(r.init)
	plan, err := r.plan(req)
	if err != nil {
		return nil, err
	}
	res, interrupted, err := r.run(ctx, plan, nil)
	if interrupted {
		err = execInterrupted(ctx, req, res)
	}
	return res, err
}

// run starts what is planned, as soon as it is let in, calls up, if there is such,
// when it runs, and follows it to its end. interrupted tells that ctx brought that
// about; an error, that it did not start.
func (r *Runner) run(ctx context.Context, plan *execPlan, up func()) (res *ExecResult, interrupted bool, err error) {
	asked := time.Now()
	if err := r.admit(ctx, plan.req); err != nil {
		return nil, false, err
	}
	started := time.Now()
	settle := newExecSlot(r.starting, execSettle)
	run, err := plan.start()
	if err != nil {
		settle.release()
		<-r.running
		return nil, false, plan.startError(err)
	}
	if up != nil {
		up()
	}
	finished := run.follow(ctx, r.hurried)
	settle.release()
	res = run.collect(finished, func() { <-r.running })
	res.Elapsed = time.Since(started)
	res.Queued = started.Sub(asked)
	return res, run.interrupted, nil
}

// Hurry kills at once the commands that were told to end and take the time that
// KillAfter gave them, and from now on each that is told to: whoever stops
// Pharos does not wait that long, and would leave them behind. It returns when no
// command runs, or some do that even KILL has not ended in time.
func (r *Runner) Hurry() {
	r.once.Do(r.init)
	r.hurry()
	for late := time.After(execGiveUp); len(r.running) > 0; {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			return
		}
	}
}

func (r *Runner) init() {
	if r.MaxRunning <= 0 {
		r.MaxRunning = execMaxRunning()
	}
	r.hurried, r.hurry = context.WithCancel(context.Background())
	r.running = make(chan struct{}, r.MaxRunning)
	r.starting = make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	r.base = execBaseEnv(os.LookupEnv)
	execReserveThreads(min(32, 3*runtime.GOMAXPROCS(0)+8))
}

// execReserveThreads makes the runtime start n threads, which it keeps. Once
// the commands have used up a limit on processes (ulimit -u, a container's
// pids, systemd's TasksMax) it cannot start another, and a Go program that
// needs one then dies.
func execReserveThreads(n int) {
	var started sync.WaitGroup
	release := make(chan struct{})
	for range n {
		started.Add(1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			<-release
		}()
	}
	started.Wait()
	close(release)
}

// execMaxRunning leaves a quarter of the descriptors to everything else; a
// running command holds two pipes and a pidfd, and two more while it starts.
func execMaxRunning() int {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 64
	}
	files := min(uint64(lim.Cur), 1<<16)
	return max(4, int(files/4*3/4))
}

// admit takes a slot among the running, then one among the starting.
func (r *Runner) admit(ctx context.Context, req ExecRequest) error {
	if ctx.Err() != nil {
		return r.notAdmitted(ctx, req)
	}
	select {
	case r.running <- struct{}{}:
	case <-ctx.Done():
		return r.notAdmitted(ctx, req)
	}
	select {
	case r.starting <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-r.running
		return r.notAdmitted(ctx, req)
	}
}

// notAdmitted is the error of a command that never got to start: the time was
// up in Pharos's own queue, which says nothing about the command.
func (r *Runner) notAdmitted(ctx context.Context, req ExecRequest) error {
	err := ctx.Err()
	if !errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Cancelled, Err: err, Message: fmt.Sprintf("running %q: cancelled before it started", req)}
	}
	return &Error{Kind: Overload, Err: err, Message: fmt.Sprintf(
		"running %q: no time left to start it, %d commands are running (at most %d)", req, len(r.running), r.MaxRunning)}
}

// execInterrupted is the error of a command that ctx ended.
func execInterrupted(ctx context.Context, req ExecRequest, res *ExecResult) error {
	err := ctx.Err()
	elapsed, queued := res.Elapsed.Round(time.Millisecond), res.Queued.Round(time.Millisecond)
	switch {
	case !errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: Cancelled, Err: err, Message: fmt.Sprintf("running %q: cancelled", req)}
	case queued > execQueuedMost && queued > elapsed/execQueuedShare:
		// It may well have finished in the time that it was promised.
		return &Error{Kind: Overload, Err: err, Message: fmt.Sprintf(
			"running %q: not finished after %s, since Pharos was late by %s to start it", req, elapsed, queued)}
	}
	return &Error{Kind: Timeout, Err: err, Message: fmt.Sprintf("running %q: not finished after %s", req, elapsed)}
}

// execSlot is a place in a semaphore, given back once: by release or after a while.
type execSlot struct {
	once  sync.Once
	sem   chan struct{}
	timer *time.Timer
}

func newExecSlot(sem chan struct{}, after time.Duration) *execSlot {
	s := &execSlot{sem: sem}
	s.timer = time.AfterFunc(after, s.free)
	return s
}

func (s *execSlot) free() { s.once.Do(func() { <-s.sem }) }

func (s *execSlot) release() {
	s.timer.Stop()
	s.free()
}
