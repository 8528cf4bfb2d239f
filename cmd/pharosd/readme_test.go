package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trial is how a command line of the README is tried: by a shell, in a copy of
// the checkout, at a free port.
type trial struct {
	line    string // as the README has it
	instead string // what is run, where the line as it is cannot be; "" runs the line
	serves  bool   // it serves a board until it is ended
}

// elsewhere is run in place of what other tests run for real.
const elsewhere = "true"

// trials are in an order in which they work: init writes what others read.
var trials = []trial{
	{line: "CGO_ENABLED=0 go build ./cmd/pharosd"},
	{line: "pharosd init"},
	{line: "pharosd check"},
	{line: "pharosd once -v 'disks.*'", instead: "pharosd once -v '*true*'"}, // no host to look from
	{line: "pharosd test", instead: "pharosd test scripts"},
	{line: "pharosd docs"},
	{line: "pharosd docs http.get"},
	{line: "pharosd docs disk.lua"},
	{line: "pharosd docs slack"},
	{line: "pharosd types"},
	{line: "pharosd serve --help"},
	{line: "pharosd completion bash", instead: "pharosd completion bash | bash -n"},

	{line: "go run ./cmd/pharosd", instead: "go run ./cmd/pharosd -P 8811", serves: true},
	{line: "go test -race ./...", instead: "grep -q '^go test -race .*\\./\\.\\.\\.$' .ci/run"}, // what runs this
	{line: "curl -N http://127.0.0.1:8811/events", instead: `
		pharosd -P 8811 & trap "kill $!" EXIT
		{ curl -sN --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8811/events || true; } | grep -q '^event: board'`},

	{line: "pharosd init [DIR]", instead: "pharosd init wall"},
	{line: "pharosd [serve] [-c FILE|FOLDER] [-P PORT] [--listen ADDRESS] [-s STATIC_DIR] [-v|-vv]",
		instead: "pharosd serve -c wall -P 8811 --listen 127.0.0.1 -s wall/lib -vv", serves: true},
	{line: "pharosd check [-c FILE]", instead: "pharosd check -c wall/pharos.lua"},
	{line: "pharosd once [-c FILE] [GLOB]...", instead: "pharosd once -c wall/pharos.lua '*true*'"},
	{line: "pharosd test [FILE|FOLDER]...", instead: "pharosd test scripts/api_json_test.lua"},
	{line: "pharosd repl", instead: "echo '6 * 7' | pharosd repl | grep -q '^42$'"}, // TestReplOnATerminal types
	{line: "pharosd docs [NAME|WORD]", instead: "pharosd docs ssh"},
	{line: "pharosd types [DIR]", instead: "pharosd types wall"},
	{line: "pharosd version"},

	{line: "cmd/pharosd/packaging/deb 1.0.0", instead: elsewhere},                // TestDebInstalls
	{line: "sudo apt install ./dist/pharos_1.0.0_amd64.deb", instead: elsewhere}, // TestDebInstalls, by dpkg
	{line: "sudo systemctl enable --now pharos", instead: `
		mkdir -p root/usr/lib/systemd/system && cp cmd/pharosd/packaging/pharos.service root/usr/lib/systemd/system/
		systemctl --root="$PWD/root" enable pharos
		test -L root/etc/systemd/system/multi-user.target.wants/pharos.service`},

	// What measures, for a moment.
	{line: "go run ./cmd/pharosload -http 1000 -raw", instead: "go run ./cmd/pharosload -http 10 -duration 1s -raw"},
	{line: "go run ./cmd/pharosload -http 10000", instead: "go run ./cmd/pharosload -http 10 -duration 1s"},
	{line: "go run ./cmd/pharosload -http 20000 -interval 60s -warmup 65s", instead: "go run ./cmd/pharosload -http 10 -interval 1s -warmup 1s -duration 1s"},
	{line: "go run ./cmd/pharosload -function 1 -interval 100ms -pad 500 -viewers 1000 -raw",
		instead: "go run ./cmd/pharosload -function 1 -interval 100ms -pad 500 -viewers 5 -duration 1s -raw"},
	{line: "go run ./cmd/pharosload faults", instead: "go run ./cmd/pharosload faults -only killed | grep -q since_kept_share"}, // a busy machine may make it exit with 1
	{line: "go run ./cmd/pharosload soak", instead: "go run ./cmd/pharosload soak -duration 1s"},
	{line: "go test ./web -run '^$' -bench Snapshot", instead: "go test ./web -run '^$' -bench Snapshot -benchtime 1x"},
	{line: "go test ./luaapi -run '^$' -bench Rate10000", instead: "go test ./luaapi -run '^$' -bench Rate10000 -benchtime 1x"},
	{line: "go test ./luaapi -run '^$' -bench Load10000", instead: "go test ./luaapi -run '^$' -bench Load10000 -benchtime 1x"},
	{line: "go test ./engine/probe -run '^$' -bench HTTP", instead: "go test ./engine/probe -run '^$' -bench HTTP -benchtime 1x"},
	{line: "PHAROS_SPEED=60s go test ./web/browsertest -run TestSpeed -v", instead: "go test ./web/browsertest -run TestSpeed -list TestSpeed"},
	{line: "PHAROS_HEAP=10m go test ./web/browsertest -run TestHeapStaysFlat -v", instead: elsewhere}, // the same test, for less long
	{line: "PHAROS_SHOTS=FOLDER go test ./web/browsertest -run TestShots", instead: "PHAROS_SHOTS=$PWD PHAROS_SHOT=three-desk go test ./web/browsertest -run TestShots && test -s three-desk.png"},
	{line: "PHAROS_PICTURE=1 go test ./web/browsertest -run TestReadmePicture", instead: elsewhere}, // the same test, which then writes

	{line: "mkdir -p image/usr/bin image/etc/ssl/certs image/etc/pharos"},
	{line: "CGO_ENABLED=0 go build -o image/usr/bin/pharosd ./cmd/pharosd"},
	{line: "cp /etc/ssl/certs/ca-certificates.crt image/etc/ssl/certs/"},
	{line: "cp pharos.lua image/etc/pharos/"},
	{line: `tar -C image -c . | docker import --change 'ENTRYPOINT ["/usr/bin/pharosd", "-c", "/etc/pharos", "--listen", ":8811"]' - pharos`},
	{line: "docker run -p 8811:8811 pharos", serves: true},
}

// fakeDocker does what the README asks of docker, with what every system has:
// an image is a folder, and a container its root.
const fakeDocker = `#!/bin/sh
set -e
case "$1 $2" in
"import --change") mkdir container; tar -x -C container; echo "$3" | sed 's/ENTRYPOINT//; s/[][",]//g' >entrypoint ;;
"run -p") exec chroot container $(cat entrypoint) ;;
*) exit 1 ;;
esac
`

var (
	readmeBlock  = regexp.MustCompile("(?ms)^```.*?^```$")
	readmeLua    = regexp.MustCompile("(?ms)^```lua\\n(.*?)^```$")
	readmeInline = regexp.MustCompile("`((?:[A-Z_]+=\\S+ )?(?:pharosd|go) [^`]+)`")
	testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	readmeTest   = regexp.MustCompile("`(Test\\w+)`")
)

// readmeCommands gives the command lines of the README, in blocks and in
// running text, without what explains them.
func readmeCommands(t *testing.T) []string {
	text := readmeBlock.ReplaceAllString(readText(t, "../../README.md"), "")
	var lines []string
	for section := range strings.SplitSeq(text, "\n## ") {
		for _, match := range readmeInline.FindAllStringSubmatch(section, -1) {
			lines = append(lines, match[1])
		}
		if strings.HasPrefix(section, "How it is made") {
			continue // its block is of folders
		}
		for line := range strings.Lines(section) {
			if command, ok := strings.CutPrefix(line, "    "); ok {
				command, _, _ = strings.Cut(strings.TrimRight(command, "\n"), "  ")
				lines = append(lines, command)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// Every command in the README is one that is tried, and none is tried that the
// README does not have.
func TestReadmeCommandsAreTried(t *testing.T) {
	var tried []string
	for _, trial := range trials {
		tried = append(tried, trial.line)
	}
	lines := readmeCommands(t)
	for _, line := range lines {
		if !slices.Contains(tried, line) {
			t.Errorf("the README says %q, which no trial runs", line)
		}
	}
	for _, line := range tried {
		if !slices.Contains(lines, line) {
			t.Errorf("%q is tried and not in the README", line)
		}
	}
}

func TestReadmeCommands(t *testing.T) {
	for _, tool := range []string{"curl", "systemctl", "chroot"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("PHAROS_REQUIRE_REAL") != "1" {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
	if os.Getuid() != 0 && os.Getenv("PHAROS_REQUIRE_REAL") != "1" {
		t.Skip("needs root, for a container's root of its own")
	}
	dir := copyCheckout(t)
	if err := os.Mkdir(filepath.Join(dir, "fake"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fake", "docker"), []byte(fakeDocker), 0o755); err != nil {
		t.Fatal(err)
	}
	var port string
	for _, trial := range trials {
		if !strings.HasPrefix(trial.line, "docker run") { // that has the port of its image
			port = freePort(t)
		}
		began := time.Now()
		command := trial.instead
		if command == "" {
			command = trial.line
		}
		cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", strings.ReplaceAll(command, "8811", port))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "fake")+":"+os.Getenv("PATH"),
			"GOFLAGS=-trimpath") // a copy's packages are then those of the copy before
		if trial.serves {
			tryServer(t, trial.line, cmd, "http://127.0.0.1:"+port+"/readyz")
		} else if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", trial.line, err, out)
		}
		t.Logf("%.1f s: %s", time.Since(began).Seconds(), trial.line)
	}
}

// tryServer runs a command that serves, until url answers.
func tryServer(t *testing.T, line string, cmd *exec.Cmd, url string) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run does not pass on its signals
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := fetch(url); err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Errorf("%s: ends by itself: %v\n%s", line, err, out.String())
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: does not serve within two minutes", line)
			break
		}
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		t.Errorf("%s: does not end within %v of SIGTERM\n%s", line, patience, out.String())
	}
}

// copyCheckout gives a copy to run commands in that write.
func copyCheckout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{".ci", "builtin", "cmd", "engine", "luaapi", "scripts", "web"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(readText(t, filepath.Join("../..", name))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The scripts in the README load, together with what they are shown beside; its
// test passes.
func TestReadmeScripts(t *testing.T) {
	boards, tests := 0, 0
	for _, match := range readmeLua.FindAllStringSubmatch(readText(t, "../../README.md"), -1) {
		text := match[1]
		dir := t.TempDir()
		name := "pharos.lua"
		if strings.HasPrefix(text, "test.case") {
			name = "pharos_test.lua"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{"check", "-c", filepath.Join(dir, "pharos.lua")}
		if name != "pharos.lua" {
			tests++
			if err := os.WriteFile(filepath.Join(dir, "pharos.lua"), []byte(readmeLua.FindStringSubmatch(readText(t, "../../README.md"))[1]), 0o644); err != nil {
				t.Fatal(err)
			}
			args = []string{"test", dir}
		} else {
			boards++
		}
		if out, err := exec.Command("pharosd", args...).CombinedOutput(); err != nil {
			t.Errorf("pharosd %s of\n%s\n%v\n%s", args[0], text, err, out)
		}
	}
	if boards < 2 || tests < 1 {
		t.Errorf("the README has %d boards and %d tests in Lua, want at least 2 and 1", boards, tests)
	}
}

// Every test that the README names is there.
func TestReadmeTests(t *testing.T) {
	there := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, match := range testFunction.FindAllStringSubmatch(readText(t, path), -1) {
			there[match[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names := readmeTest.FindAllStringSubmatch(readText(t, "../../README.md"), -1)
	if len(names) < 10 {
		t.Errorf("the README names %d tests, want at least 10", len(names))
	}
	for _, name := range names {
		if !there[name[1]] {
			t.Errorf("the README names %s, and no test is called so", name[1])
		}
	}
}
