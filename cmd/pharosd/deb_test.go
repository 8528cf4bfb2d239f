package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// debian is an empty system for dpkg, with a systemctl that notes what it is
// called with.
type debian struct {
	t    *testing.T
	root string
	env  []string
}

func newDebian(t *testing.T) *debian {
	t.Helper()
	d := &debian{t: t, root: filepath.Join(t.TempDir(), "root")}
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "run/systemd/system", "fake"} {
		if err := os.MkdirAll(d.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d.write("var/lib/dpkg/status", "", 0o644)
	d.write("fake/systemctl", "#!/bin/sh\necho \"$@\" >>\"$DPKG_ROOT/fake/calls\"\n", 0o755)
	d.env = append(os.Environ(), "PATH="+d.path("fake")+":/usr/local/sbin:/usr/sbin:/sbin:"+os.Getenv("PATH"))
	return d
}

func (d *debian) path(name string) string { return filepath.Join(d.root, name) }

func (d *debian) write(name, text string, mode os.FileMode) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
}

// dpkg runs it on the system; the package's scripts run without a chroot,
// which would need a whole system there.
func (d *debian) dpkg(args ...string) string {
	d.t.Helper()
	return d.run("dpkg", append([]string{"--root=" + d.root, "--force-script-chrootless"}, args...)...)
}

func (d *debian) run(name string, args ...string) string {
	d.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// calls gives what systemctl was called with since the last time.
func (d *debian) calls() string {
	text, _ := os.ReadFile(d.path("fake/calls")) // not there: none
	_ = os.Remove(d.path("fake/calls"))
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "; ")
}

func (d *debian) has(name string) bool {
	_, err := os.Lstat(d.path(name))
	return err == nil
}

// The .deb is built as the README says, installed, run, upgraded, removed and
// purged by dpkg.
func TestDebInstalls(t *testing.T) {
	if os.Getenv("PHAROS_REQUIRE_REAL") != "1" {
		t.Skip("needs root, dpkg, and nfpm, which it downloads: runs with PHAROS_REQUIRE_REAL=1")
	}
	dist := t.TempDir()
	build := func(version string) string {
		cmd := exec.Command("packaging/deb", version)
		cmd.Env = append(os.Environ(), "DIST="+dist)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("packaging/deb %s: %v\n%s", version, err, out)
		}
		return filepath.Join(dist, "pharos_"+version+"_"+runtime.GOARCH+".deb")
	}
	d := newDebian(t)
	first, second := build("1.0.0"), build("1.0.1")

	d.dpkg("--install", first)
	if got, want := d.calls(), "daemon-reload"; got != want {
		t.Errorf("a first install calls systemctl %q, want %q: it starts nothing", got, want)
	}
	for _, name := range []string{
		"usr/lib/systemd/system/pharos.service", "usr/share/man/man1/pharosd.1", "usr/share/man/man1/pharosd-serve.1",
		"usr/share/bash-completion/completions/pharosd", "usr/share/zsh/vendor-completions/_pharosd", "usr/share/fish/vendor_completions.d/pharosd.fish",
		"usr/share/doc/pharos/examples/login_journey.lua", "usr/share/doc/pharos/examples/api_json_test.lua",
	} {
		if !d.has(name) {
			t.Errorf("after the install there is no /%s", name)
		}
	}
	if got := d.run(d.path("usr/bin/pharosd"), "version"); !strings.HasPrefix(got, "pharosd ") {
		t.Errorf("the installed pharosd version = %q, want its version", got)
	}
	d.run(d.path("usr/bin/pharosd"), "check", "-c", d.path("etc/pharos/pharos.lua"))
	if got := d.dpkg("--verify", "pharos"); got != "" {
		t.Errorf("dpkg --verify says %q, want nothing", got)
	}

	const mine = "metric_watchers = {} -- mine\n"
	d.write("etc/pharos/pharos.lua", mine, 0o644)
	d.dpkg("--install", second)
	if got, want := d.calls(), "daemon-reload; try-restart pharos.service"; got != want {
		t.Errorf("an upgrade calls systemctl %q, want %q", got, want)
	}
	if got := readText(t, d.path("etc/pharos/pharos.lua")); got != mine {
		t.Errorf("after an upgrade the board is %q, want the changed one kept", got)
	}

	d.dpkg("--remove", "pharos")
	if got, want := d.calls(), "disable --now pharos.service; daemon-reload"; got != want {
		t.Errorf("a removal calls systemctl %q, want %q", got, want)
	}
	if d.has("usr/bin/pharosd") || d.has("usr/lib/systemd/system/pharos.service") {
		t.Error("after the removal pharosd or its unit is still there")
	}
	if got := readText(t, d.path("etc/pharos/pharos.lua")); got != mine {
		t.Errorf("after the removal the board is %q, want it kept", got)
	}
	d.dpkg("--purge", "pharos")
	if d.has("etc/pharos/pharos.lua") {
		t.Error("after the purge the board is still there")
	}
}
