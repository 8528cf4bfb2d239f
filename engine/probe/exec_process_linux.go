package probe

import (
	"context"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startExecProcess starts a process and watches its end through a pidfd in the
// runtime's poller, so that thousands of running commands cost no thread each
// (os.Process.Wait parks one, which is what blocking asks for). Kernels before
// 5.4 have no pidfd to wait on.
func startExecProcess(path string, argv []string, attr *os.ProcAttr, blocking bool) (*execProcess, error) {
	pidfd := -1
	if !blocking {
		attr.Sys.PidFD = &pidfd
	}
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return nil, err
	}
	pid := p.Pid // Release forgets it
	if pidfd >= 0 {
		if end := newExecPidfd(pid, pidfd); end != nil {
			_ = p.Release() // its own duplicate of the pidfd
			return &execProcess{pid, end}, nil
		}
	}
	return &execProcess{pid, newExecWaiter(p)}, nil
}

// execPidfd is the end of a process that is seen through its pidfd.
type execPidfd struct {
	pid  int
	file *os.File
	conn syscall.RawConn
}

// newExecPidfd takes over pidfd; nil if it cannot be polled.
func newExecPidfd(pid, pidfd int) *execPidfd {
	if err := unix.SetNonblock(pidfd, true); err != nil {
		unix.Close(pidfd)
		return nil
	}
	file := os.NewFile(uintptr(pidfd), "pidfd")
	conn, err := file.SyscallConn()
	if err == nil {
		err = file.SetReadDeadline(time.Time{}) // fails if the poller refused it
	}
	if err != nil {
		file.Close()
		return nil
	}
	return &execPidfd{pid: pid, file: file, conn: conn}
}

func (e *execPidfd) await(ctx context.Context, limit time.Duration) bool {
	var deadline time.Time
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	_ = e.file.SetReadDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = e.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if e.conn.Read(func(fd uintptr) bool { return execEnded(int(fd)) }) == nil {
		return true
	}
	// Both may have come at once, or while Pharos itself was stopped: a command
	// that did end is not to be blamed.
	ended := false
	_ = e.conn.Control(func(fd uintptr) { ended = execEnded(int(fd)) })
	return ended
}

// execEnded asks without reaping. An error means that nobody can wait for the
// process any more, so waiting on would be for ever.
func execEnded(pidfd int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PIDFD, pidfd, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		return err != nil || info.Signo != 0
	}
}

func (e *execPidfd) reap() syscall.WaitStatus {
	defer e.file.Close()
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(e.pid, &status, 0, nil); err != syscall.EINTR {
			return status
		}
	}
}
