package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// execPlan is a command ready to start: everything that can be found wrong
// beforehand has been.
type execPlan struct {
	req        ExecRequest
	path       string
	argv       []string
	env        []string
	credential *syscall.Credential
	blocking   bool
	shell      []string    // what to run instead if path cannot be executed
	lines      *lineWriter // takes standard output instead of a result; nil = nobody does
}

func (r *Runner) plan(req ExecRequest) (*execPlan, error) {
	if (len(req.Argv) == 0) == (req.Shell == "") {
		return nil, &Error{Kind: Misuse, Message: fmt.Sprintf("running %q: want either an argv or a shell command", req)}
	}
	if slices.ContainsFunc(req.Argv, hasNUL) || slices.ContainsFunc(req.Env, hasNUL) || hasNUL(req.Shell) || hasNUL(req.Dir) {
		return nil, &Error{Kind: Misuse, Message: fmt.Sprintf("running %q: a NUL byte cannot be passed to a command", req)}
	}
	req.setDefaults()
	p := &execPlan{req: req, blocking: r.blocking}
	base := r.base
	if req.User != "" {
		var err error
		if base, err = p.becomeUser(base); err != nil {
			return nil, err
		}
	}
	if req.Dir != "" {
		dir, err := filepath.Abs(req.Dir)
		if err != nil {
			dir = req.Dir
		}
		base = execMergeEnv(base, []string{"PWD=" + dir})
	}
	p.env = execMergeEnv(base, req.Env)
	return p, p.chooseProgram()
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }

// chooseProgram decides what is run: the argv, or what the shell rule says.
func (p *execPlan) chooseProgram() error {
	if p.req.Argv != nil {
		path, err := p.look(p.req.Argv[0])
		if err != nil {
			return p.startError(err)
		}
		p.path, p.argv = path, p.req.Argv
		return nil
	}
	shell := []string{execShell, "-c", p.req.Shell}
	if words, ok := execShellPlain(p.req.Shell); ok {
		if path, err := p.look(words[0]); err == nil {
			p.path, p.argv, p.shell = path, words, shell
			return nil
		}
	} else if program, ok := execShellSimple(p.req.Shell); ok {
		if _, err := p.look(program); err == nil {
			shell[2] = "exec " + p.req.Shell
		}
	}
	p.path, p.argv = execShell, shell
	return nil
}

// look finds a program in the PATH the command will have. Entries that are not
// absolute are passed over, as os/exec does.
func (p *execPlan) look(program string) (string, error) {
	if program == "" {
		return "", fs.ErrNotExist
	}
	if strings.Contains(program, "/") {
		return program, nil
	}
	denied := false
	for _, dir := range filepath.SplitList(execGetenv(p.env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		path := filepath.Join(dir, program)
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 != 0 {
			return path, nil
		}
		denied = true
	}
	if denied {
		return "", fs.ErrPermission
	}
	return "", errExecNotFound
}

var errExecNotFound = errors.New("command not found")

// becomeUser sets the credential for the user asked for and gives base with
// that user's HOME and names.
func (p *execPlan) becomeUser(base []string) ([]string, error) {
	name := p.req.User
	refuse := func(kind Kind, err error, why string) error {
		return &Error{Kind: kind, Err: err, Message: fmt.Sprintf("running %q as user %q: %s", p.req, name, why)}
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, refuse(Spawn, err, "no such user")
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		return nil, refuse(Spawn, err, "its ids are not numbers")
	}
	env := execMergeEnv(base, []string{"HOME=" + u.HomeDir, "USER=" + u.Username, "LOGNAME=" + u.Username})
	if os.Geteuid() != 0 && int(uid) == os.Geteuid() {
		return env, nil // already that user, and only root may set groups
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, refuse(Spawn, err, "reading its groups: "+err.Error())
	}
	groups := make([]uint32, 0, len(ids))
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			groups = append(groups, uint32(n))
		}
	}
	p.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups}
	return env, nil
}

// execBaseEnv is the environment every command gets. Nothing of the daemon's
// own is passed on but these: its secrets are not the commands' business, and
// NOTIFY_SOCKET would let them speak to systemd in its name.
func execBaseEnv(lookup func(string) (string, bool)) []string {
	get := func(name, otherwise string) string {
		if v, ok := lookup(name); ok && v != "" {
			return name + "=" + v
		}
		return name + "=" + otherwise
	}
	env := []string{
		get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
		get("HOME", "/"),
		"LANG=C.UTF-8",
		"LC_ALL=C.UTF-8",
	}
	for _, name := range []string{"USER", "LOGNAME", "TZ"} {
		if v, ok := lookup(name); ok {
			env = append(env, name+"="+v)
		}
	}
	if dir, err := os.Getwd(); err == nil {
		env = append(env, "PWD="+dir)
	}
	return env
}

// execMergeEnv lays over base what over says, the last one of a name winning.
func execMergeEnv(base, over []string) []string {
	if len(over) == 0 {
		return base
	}
	env := slices.Concat(base, over)
	kept := env[:0]
	for i, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(env[i+1:], func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
			kept = append(kept, pair)
		}
	}
	return kept
}

func execGetenv(env []string, name string) string {
	for _, pair := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			return v
		}
	}
	return ""
}

// startError tells what is Pharos's own lack (overload) from what is wrong
// with the command (spawn).
func (p *execPlan) startError(err error) error {
	fail := func(kind Kind, why string) error {
		return &Error{Kind: kind, Err: err, Message: fmt.Sprintf("running %q: %s", p.req, why)}
	}
	errno, _ := errors.AsType[syscall.Errno](err)
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM,
		syscall.EBADF: // all descriptors are in use but the last: dup2 beyond the limit
		return fail(Overload, "Pharos is overloaded: "+errno.Error())
	case syscall.EPERM:
		if p.credential != nil {
			return fail(Spawn, fmt.Sprintf("becoming user %q needs root or CAP_SETUID and CAP_SETGID, pharosd has uid %d", p.req.User, os.Geteuid()))
		}
	case syscall.ENOENT, syscall.ENOTDIR, syscall.EACCES:
		if why := p.whyNot(errno); why != "" {
			return fail(Spawn, why)
		}
	}
	if errno != 0 {
		return fail(Spawn, errno.Error())
	}
	if errors.Is(err, fs.ErrPermission) {
		return fail(Spawn, "permission denied")
	}
	return fail(Spawn, err.Error())
}

// whyNot finds out which of the files behind a start is the missing one: the
// system says only that one is.
func (p *execPlan) whyNot(errno syscall.Errno) string {
	if p.req.Dir != "" {
		info, err := os.Stat(p.req.Dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Sprintf("no directory %q to run it in", p.req.Dir)
		case err == nil && !info.IsDir():
			return fmt.Sprintf("%q is not a directory to run it in", p.req.Dir)
		}
	}
	path := p.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.req.Dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errExecNotFound.Error()
	case err == nil && info.IsDir():
		return fmt.Sprintf("%q is a directory", p.path)
	case err == nil && errno == syscall.ENOENT:
		return "the interpreter that its first line names is missing"
	}
	return ""
}
