package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// systemd takes every line of the unit, but the one that it may be too old for.
func TestUnitVerifies(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip("systemd-analyze is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := strings.ReplaceAll(readText(t, "packaging/pharos.service"), "/usr/bin/pharosd", self)
	path := filepath.Join(t.TempDir(), "pharos.service")
	if err := os.WriteFile(path, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", path).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "pharos.service") && !strings.Contains(line, "notify-reload") {
			t.Errorf("systemd-analyze verify says: %s", line)
		}
	}
}

// The unit starts pharosd with a command and flags that it has.
func TestUnitCommand(t *testing.T) {
	command := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/pharosd (.*)$`).FindStringSubmatch(readText(t, "packaging/pharos.service"))
	if command == nil {
		t.Fatal("the unit has no ExecStart of pharosd")
	}
	if err := parses(strings.Fields(command[1])); err != nil {
		t.Errorf("ExecStart: %v", err)
	}
}

// The board that the package brings is good.
func TestPackagedBoard(t *testing.T) {
	if code := run(t.Context(), []string{"check", "-c", "packaging/pharos.lua"}); code != 0 {
		t.Errorf("pharosd check -c packaging/pharos.lua = exit %d, want 0", code)
	}
}

// The nginx configuration that the README shows is the one that is tested.
func TestDocumentedProxy(t *testing.T) {
	if conf := readText(t, "../../web/testdata/nginx.conf"); !strings.Contains(readText(t, "../../README.md"), conf) {
		t.Errorf("the README does not have the nginx configuration that is tested:\n%s", conf)
	}
}

// Every file that the package takes from the checkout is there.
func TestPackageSources(t *testing.T) {
	nfpm := readText(t, "packaging/nfpm.yaml")
	files := regexp.MustCompile(`cmd/pharosd/(packaging/\S+)`).FindAllStringSubmatch(nfpm, -1)
	if len(files) < 4 {
		t.Fatalf("nfpm.yaml names %d files of packaging, want at least 4", len(files))
	}
	for _, file := range files {
		if _, err := os.Stat(file[1]); err != nil {
			t.Error(err)
		}
	}
}

// parses tells why a command line would be refused before it runs.
func parses(args []string) error {
	cmd, rest, err := newRoot().Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

var (
	synopsisChoice = regexp.MustCompile(`\|[^\s\]]*`) // [-v|-vv] is tried as [-v]
	synopsisMarks  = strings.NewReplacer("[", "", "]", "", "...", "", "'", "", "PORT", "8811")
)

// Every command line of pharosd in the README parses, those of its synopsis
// with all that is optional, and so does every example of the help.
func TestDocumentedCommands(t *testing.T) {
	var lines []string
	for line := range strings.Lines(readText(t, "../../README.md")) {
		if command, ok := strings.CutPrefix(line, "    pharosd"); ok {
			lines = append(lines, command)
		}
	}
	if len(lines) < 8 {
		t.Errorf("the README has %d commands of pharosd, want at least 8", len(lines))
	}
	for _, cmd := range append(newRoot().Commands(), newRoot()) {
		if cmd.Example == "" && cmd.Name() != "completion" && cmd.Name() != "help" && cmd.Name() != "version" {
			t.Errorf("pharosd %s --help has no example", cmd.Name())
		}
		for line := range strings.Lines(cmd.Example) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "pharosd"); ok {
				lines = append(lines, command)
			}
		}
	}
	for _, line := range lines {
		command, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "  ") // what follows explains it
		command, _, _ = strings.Cut(command, " | ")
		command = synopsisMarks.Replace(synopsisChoice.ReplaceAllString(command, ""))
		if err := parses(strings.Fields(command)); err != nil {
			t.Errorf("pharosd%s: %v", command, err)
		}
	}
}
