package probe

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kevinburke/ssh_config"
)

// sshAskTimeout is for ssh -G, in which a Match exec may hang, and for the list of an
// agent's keys.
const sshAskTimeout = 2 * time.Second

// sshStrict is what is done about a host key that known_hosts does not have.
type sshStrict int

const (
	sshStrictYes sshStrict = iota // refuse: also what "ask" means where nobody can be asked
	sshStrictNew                  // take and write down an unknown key, refuse a changed one
	sshStrictNo                   // take any
)

// sshSettings is what the configuration says about one destination.
type sshSettings struct {
	alias          string // as the destination was written, without user and port
	hostname, port string // where to connect
	user           string
	network        string   // tcp, tcp4 or tcp6
	jumps          []string // nearest to us first
	identities     []string // private key files, the configured order
	certificates   []string
	onlyIdentities bool   // offer no other key that the agent has
	agent          string // socket, "" for none
	keyAlias       string // name to look up in known_hosts, "" for hostname and port
	knownHosts     []string
	strict         sshStrict
	hashNames      bool          // in lines added to known_hosts
	timeout        time.Duration // ConnectTimeout of the configuration, 0 if not set
}

// sshLookup gives the values of an option of ssh_config(5), its name in lower
// case, in order; nil if it is not set.
type sshLookup func(option string) []string

// readConfig resolves a destination. OpenSSH itself is asked if it is there,
// because only it knows Match exec, canonical names and all tokens. Without it
// the user's file is read by ssh_config, which knows Host, Include and simple
// Match blocks; the system's file is left out then, since distributions put
// blocks in it that would fail the whole of it.
func (p *SSHPool) readConfig(ctx context.Context, d sshDest) (*sshSettings, error) {
	var get sshLookup
	path, err := exec.LookPath(cmp.Or(p.cfg.Program, "ssh"))
	if err == nil {
		get, err = p.ask(ctx, path, d)
	} else {
		get, err = sshParse(p.userConfig(), d)
	}
	if err != nil {
		return nil, err
	}
	return newSSHSettings(get, d)
}

// ask runs ssh -G.
func (p *SSHPool) ask(ctx context.Context, program string, d sshDest) (sshLookup, error) {
	argv := []string{program, "-G"}
	if file := p.cfg.ConfigFile; file != "" {
		argv = append(argv, "-F", file)
	}
	if d.user != "" {
		argv = append(argv, "-l", d.user)
	}
	if d.port != "" {
		argv = append(argv, "-p", d.port)
	}
	ctx, cancel := context.WithTimeout(ctx, sshAskTimeout)
	defer cancel()
	// A Match exec of the configuration gets the environment that it would get
	// from a shell, without what is Pharos's own.
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "PHAROS_") || strings.HasPrefix(e, "NOTIFY_SOCKET=")
	})
	res, err := p.runner.Exec(ctx, ExecRequest{Argv: append(argv, "--", d.host), Env: env})
	if err != nil {
		return nil, fmt.Errorf("reading the ssh configuration: %w", err)
	}
	if res.Code != 0 {
		return nil, fmt.Errorf("reading the ssh configuration: ssh -G: %s", Clean(bytes.TrimSpace(res.Stderr)))
	}
	return sshParseAnswer(res.Stdout), nil
}

// sshParseAnswer reads the output of ssh -G: an option and its value on a line.
func sshParseAnswer(out []byte) sshLookup {
	options := make(map[string][]string)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		option, value, _ := strings.Cut(lines.Text(), " ")
		option = strings.ToLower(option)
		options[option] = append(options[option], value)
	}
	return func(option string) []string { return options[option] }
}

// sshParse reads a configuration file without OpenSSH. A missing file is empty.
func sshParse(file string, d sshDest) (sshLookup, error) {
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("reading the ssh configuration: %w", err)
	}
	cfg, err := ssh_config.DecodeBytes(text)
	if err != nil {
		return nil, fmt.Errorf("reading the ssh configuration %q without an ssh program: %w", file, err)
	}
	return func(option string) []string {
		switch {
		case option == "user" && d.user != "":
			return []string{d.user}
		case option == "port" && d.port != "":
			return []string{d.port}
		}
		values, err := cfg.GetAll(d.host, option)
		if err != nil || len(values) == 0 {
			return nil
		}
		if option == "hostname" {
			return []string{strings.ReplaceAll(values[0], "%h", d.host)}
		}
		return values
	}, nil
}

// userConfig is the file to read where no ssh program reads it for us.
func (p *SSHPool) userConfig() string {
	if p.cfg.ConfigFile != "" {
		return p.cfg.ConfigFile
	}
	return filepath.Join(sshHome(), ".ssh", "config")
}

// configFiles are those whose change makes a destination be resolved again.
func (p *SSHPool) configFiles() []string {
	if p.cfg.ConfigFile != "" {
		return []string{p.cfg.ConfigFile}
	}
	return []string{p.userConfig(), "/etc/ssh/ssh_config"}
}

// sshUnsupported are options that change how a connection is made in ways that
// Pharos does not have. Ignoring one would connect to the wrong place, or trust
// what must not be trusted.
var sshUnsupported = []struct{ option, advice string }{
	{"proxycommand", "use ProxyJump"},
	{"pkcs11provider", "put the key into an agent"},
	{"revokedhostkeys", "put @revoked lines into known_hosts"},
	{"knownhostscommand", "put the key into known_hosts"},
}

func newSSHSettings(get sshLookup, d sshDest) (*sshSettings, error) {
	one := func(option, otherwise string) string {
		if v := get(option); len(v) > 0 && v[0] != "" && v[0] != "none" {
			return v[0]
		}
		return otherwise
	}
	for _, u := range sshUnsupported {
		if v := one(u.option, ""); v != "" {
			return nil, fmt.Errorf("the ssh configuration has %s %q, which Pharos does not do: %s", u.option, v, u.advice)
		}
	}
	s := &sshSettings{
		alias: d.host, hostname: one("hostname", d.host), port: one("port", "22"),
		user: one("user", sshUser()), network: "tcp",
		keyAlias:       one("hostkeyalias", ""),
		onlyIdentities: one("identitiesonly", "no") == "yes",
		hashNames:      one("hashknownhosts", "no") == "yes",
	}
	switch one("addressfamily", "any") {
	case "inet":
		s.network = "tcp4"
	case "inet6":
		s.network = "tcp6"
	}
	switch one("stricthostkeychecking", "ask") {
	case "accept-new":
		s.strict = sshStrictNew
	case "no", "off", "false":
		s.strict = sshStrictNo
	}
	if jumps := one("proxyjump", ""); jumps != "" {
		s.jumps = strings.Split(jumps, ",")
	}
	if n, err := strconv.Atoi(one("connecttimeout", "0")); err == nil {
		s.timeout = time.Duration(n) * time.Second
	}
	s.files(get, one)
	return s, nil
}

// files fills in the options that name files.
func (s *sshSettings) files(get sshLookup, one func(option, otherwise string) string) {
	expand := func(paths ...string) []string {
		var out []string
		for _, path := range paths {
			if path != "" && path != "none" {
				out = append(out, s.expand(path))
			}
		}
		return out
	}
	s.identities = expand(get("identityfile")...)
	if get("identityfile") == nil {
		s.identities = expand("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
	}
	s.certificates = expand(get("certificatefile")...)
	user := one("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
	global := one("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")
	s.knownHosts = expand(append(sshFields(user), sshFields(global)...)...)
	agent := "SSH_AUTH_SOCK"
	if v := get("identityagent"); len(v) > 0 {
		agent = v[0]
	}
	switch {
	case agent == "none":
	case agent == "SSH_AUTH_SOCK":
		s.agent = os.Getenv(agent)
	default:
		s.agent = s.expand(agent)
	}
}

// expand does the tokens of ssh_config(5) that name files, ~ and $NAME.
func (s *sshSettings) expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(sshHome(), rest)
	}
	path = os.ExpandEnv(path)
	return strings.NewReplacer("%%", "%", "%d", sshHome(), "%h", s.hostname, "%n", s.alias,
		"%p", s.port, "%r", s.user, "%u", sshUser(), "%i", strconv.Itoa(os.Getuid())).Replace(path)
}

// addr is where to connect.
func (s *sshSettings) addr() string { return net.JoinHostPort(s.hostname, s.port) }

// sshFields splits a list of paths, which may be quoted.
func sshFields(s string) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var word string
		if strings.HasPrefix(s, `"`) {
			word, s, _ = strings.Cut(s[1:], `"`)
		} else {
			word, s, _ = strings.Cut(s, " ")
		}
		out = append(out, word)
	}
	return out
}

// sshHome is the home that ssh itself uses: the account's, whatever HOME says.
func sshHome() string {
	u, err := user.Current()
	if err != nil {
		return os.Getenv("HOME")
	}
	return homeOf(u)
}

// homeOf takes "/" for none: that is what systemd gives the user that it makes for
// a service (DynamicUser), whose unit says in HOME where its .ssh is.
func homeOf(u *user.User) string {
	if home := os.Getenv("HOME"); home != "" && (u.HomeDir == "" || u.HomeDir == "/") {
		return home
	}
	return u.HomeDir
}

func sshUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// sshStamp changes when any of the files does.
func sshStamp(files []string) string {
	var b strings.Builder
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", f, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
