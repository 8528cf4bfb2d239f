package luaapi

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// A secret is masked in every form that what is watched may give it back in.
func TestSecretFormsAreMasked(t *testing.T) {
	const secret = `S3cret+pa/ss"word<x>`
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	std := base64.StdEncoding.EncodeToString
	for name, text := range map[string]string{
		"plain":           secret,
		"URL's path":      (&url.URL{Scheme: "http", Host: "x", Path: "/" + secret + "/y"}).String(),
		"URL's query":     "http://x/?" + url.Values{"q": {secret}}.Encode(),
		"path segment":    url.PathEscape(secret),
		"userinfo":        url.UserPassword("u", secret).String(),
		"Go":              fmt.Sprintf("%q", secret),
		"JSON":            string(quoted),
		"HTML":            html.EscapeString(secret),
		"lower case":      strings.ToLower(secret),
		"base64":          std([]byte(secret)),
		"base64, after 1": std([]byte("u" + secret)),
		"base64, after 2": std([]byte("u:" + secret)),
		"basic":           "Authorization: Basic " + std([]byte("user:"+secret+"\n")),
		"base64 for URLs": base64.URLEncoding.EncodeToString([]byte(secret)),
		"upper case":      strings.ToUpper(secret),
		"hex":             hex.EncodeToString([]byte(secret)),
		"HEX":             fmt.Sprintf("%X", secret),
		"URL, %2f":        "http://x/?q=" + regexp.MustCompile("%..").ReplaceAllStringFunc(url.QueryEscape(secret), strings.ToLower),
		"PHP's JSON":      strings.ReplaceAll(secret, "/", `\/`),
	} {
		var m mask
		m.add(secret)
		got := m.text(text)
		if !strings.Contains(got, maskText) {
			t.Errorf("%s: %q stays %q, want a mask in it", name, text, got)
		}
		for n := 5; n <= len(secret); n++ {
			if piece := secret[n-5 : n]; strings.Contains(strings.ToLower(got), strings.ToLower(piece)) {
				t.Errorf("%s: %q shows %q", name, got, piece)
				break
			}
		}
	}
}

// A file and a variable may have one name.
func TestSecretOfAFileAndOfAVariable(t *testing.T) {
	b := newTestBoard(t)
	b.LookupEnv = func(name string) (string, bool) { return "of-the-variable", name == "token" }
	b.write("token", "of-the-file\n")
	b.load(`local a, b, c = pharos.secret("token"), pharos.secret{ file = "token" }, pharos.secret("token")
metric_watchers = { pharos.MetricWatcher{ name = "x", check = function() return "ok", #a .. " " .. #b .. " " .. #c end } }`)
	if got, want := b.run("x").Value, "15 11 15"; got != want {
		t.Errorf("they have %s bytes, want %s", got, want)
	}
}

// The Kelvin sign has three bytes, and one in lower case.
func TestSecretThatLowerCaseShortens(t *testing.T) {
	const secret = "\u212a\u212a\u212a"
	var m mask
	m.add(secret)
	if got := m.start("kkk " + secret); got != "kkk "+maskText {
		t.Errorf("start = %q, want the secret masked and nothing else", got)
	}
}

func BenchmarkMask(b *testing.B) {
	var m mask
	for i := range 100 {
		m.add(fmt.Sprintf("s3cret-%d-pass/word-%d", i*7919%1000, i))
	}
	page := strings.Repeat("<p>a page of a thousand bytes or so", 30)
	for b.Loop() {
		m.start(page)
	}
}

// Where what is shown of a page ends in a secret, its beginning does not show.
func TestSecretIsMaskedWhereAPageIsCut(t *testing.T) {
	var m mask
	m.add("s3cret-password")
	for text, want := range map[string]string{
		"a page s3cret-passwor":  "a page " + maskText,
		"a page s3cr":            "a page " + maskText,
		"a page s3c":             "a page s3c", // too short to be known, and to be of use
		"a page s3cret-password": "a page " + maskText,
		"a page":                 "a page",
	} {
		if got := m.start(text); got != want {
			t.Errorf("start(%q) = %q, want %q", text, got, want)
		}
	}
	b := newTestBoard(t)
	b.LookupEnv = func(string) (string, bool) { return "s3cret-password", true }
	b.load(`local token = pharos.secret("TOKEN")
metric_watchers = { pharos.MetricWatcher{ name = "x", check = function() pharos.exec({ "printf", "%s", token:sub(1, 9) }) return "ok" end } }`)
	if got := b.run("x").Output; got != maskText {
		t.Errorf("output = %q, want %q", got, maskText)
	}
}

// What was left out of a text may begin or end in a secret: dots say where.
func TestSecretIsMaskedWhereTextIsCut(t *testing.T) {
	var m mask
	m.add("s3cret-password")
	for text, want := range map[string]string{
		`running "curl -u x:s3cret-pass...": no answer`: `running "curl -u x:••••••...": no answer`,
		`want "+OK", got ..."-password hello"`:          `want "+OK", got ..."•••••• hello"`,
		"a s3cre\n[... 9 bytes left out ...]\nword b":   "a ••••••\n[... 9 bytes left out ...]\n•••••• b",
		"s3cr...s3cret-...word":                         "••••••...••••••...••••••",
		"s3c...ord":                                     "s3c...ord", // too short to be known, and to be of use
		"no secret... here":                             "no secret... here",
		"s3cret-passwor d...":                           "s3cret-passwor d...",
	} {
		if got := m.text(text); got != want {
			t.Errorf("text(%q) = %q, want %q", text, got, want)
		}
	}
	if dots := strings.Repeat("...", 1<<20); m.text(dots) != dots {
		t.Error("dots alone are not as they were")
	}
}

// No message that a probe cuts, and nothing that is cleaned away, lets a secret
// be seen, on the board or in the trace of `pharosd once -v`.
func TestSecretsInMessagesAreMasked(t *testing.T) {
	b := newTestBoard(t)
	b.LookupEnv = func(string) (string, bool) { return "s3cret-password/of/36/bytes-and-more", true }
	b.load(`local token = pharos.secret("TOKEN")
local function watcher(name, check) return pharos.MetricWatcher{ name = name, check = check } end
local coloured = token:sub(1, 7) .. "\27[31m" .. token:sub(8)
metric_watchers = {
  watcher("cut argv", function() return pharos.exec({ "/nonexistent/" .. ("x"):rep(90) .. token }) end),
  watcher("cut command", function() return pharos.exec("sleep 5; : " .. ("x"):rep(90) .. token, { timeout = "50ms" }) end),
  watcher("left out", function()
    local text = ("x"):rep(500) .. token .. ("y"):rep(464) .. token .. ("z"):rep(500)
    local result = pharos.exec({ "cat" }, { stdin = text, max_output = 1024 })
    return "ok", "", result.stdout
  end),
  watcher("raised, cut", function() error(("x"):rep(1980) .. token, 0) end),
  watcher("raised as a place", function() error(token .. ":12: refused", 0) end),
  watcher("time", function() return pharos.time.parse(("x"):rep(80) .. token) end),
  watcher("coloured", function() print(coloured) return "ok", coloured, coloured end),
  watcher("coloured error", function() error(coloured) end),
  watcher("cut line", function() print(("\27[0m"):rep(2045) .. token) return "ok" end),
  watcher("no such file", function() return pharos.file.stat("/nonexistent/" .. token) end),
}`)
	for _, id := range []engine.ID{"cut_argv", "cut_command", "left_out", "raised_cut", "raised_as_a_place", "time", "coloured", "coloured_error", "cut_line", "no_such_file"} {
		var seen []string
		ctx := WithTrace(t.Context(), func(e Event) { seen = append(seen, fmt.Sprint(e.Text, e.Outcome, e.Err)) })
		got, err := b.watcher(id).Check(ctx)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		text := string(shown) + strings.Join(seen, "\n")
		if !strings.Contains(text, maskText) {
			t.Errorf("%s: nothing is masked in %s", id, text)
		}
		for _, part := range []string{"s3cret", "passw", "bytes-and", "-more"} {
			if strings.Contains(text, part) {
				t.Errorf("%s: %q is seen in %s", id, part, text)
			}
		}
	}
}

// A secret of one file is masked in the tiles of all, as long as a file has it.
func TestSecretsOfOtherFilesAreMasked(t *testing.T) {
	b := newTestBoard(t)
	b.LookupEnv = func(string) (string, bool) { return "s3cret-password", true }
	b.write("a.lua", `local token = pharos.secret("TOKEN") metric_watchers = {}`)
	b.write("b.lua", `metric_watchers = { pharos.MetricWatcher{ name = "log", check = function() return "ok", "", "login with s3cret-password" end } }`)
	b.Path = b.dir
	for _, want := range []string{"login with " + maskText, "login with " + maskText, "login with s3cret-password"} {
		before := b.config
		if err := b.reload(); err != nil {
			t.Fatal(err)
		}
		if before != nil {
			before.Close() // as the daemon does; the board closes it once more at the end
		}
		if got := b.run("log").Detail; got != want {
			t.Errorf("detail = %q, want %q", got, want)
		}
		if b.Number == 2 {
			b.write("a.lua", `metric_watchers = {}`)
		}
	}
}

// What one file has for a secret is a word like any in the names of another.
func TestSecretsOfOtherFilesMayBeInNames(t *testing.T) {
	b := newTestBoard(t)
	b.LookupEnv = func(string) (string, bool) { return "postgres", true }
	b.write("a.lua", `local user = pharos.secret("PGUSER") metric_watchers = {}`)
	b.write("b.lua", `metric_watchers = { pharos.MetricWatcher{ name = "postgres", check = function() return "ok", "", "as postgres" end } }
page_tag = "postgres"`)
	b.Path = b.dir
	if err := b.reload(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.run("postgres").Detail, "as "+maskText; got != want {
		t.Errorf("detail = %q, want %q", got, want)
	}
}

// A run that is left out shows the one before, with its secrets masked too.
func TestSecretOfAPausedWatcherIsMasked(t *testing.T) {
	b := newTestBoard(t)
	b.slice = vm.DefaultSlice
	b.LookupEnv = func(string) (string, bool) { return "s3cret-password", true }
	b.load(`local token = pharos.secret("TOKEN")
metric_watchers = { pharos.MetricWatcher{ name = "x", check = function(self)
  pcall(function() self:step("log in", function() return nil, "refused " .. token end) end)
  while true do end
end } }`)
	x := b.watcher("x")
	for run := range 2 {
		got, err := x.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got.Detail, "refused "+maskText+"; paused") {
			t.Errorf("run %d: detail = %q, want the refusal without the secret, and a pause", run, got.Detail)
		}
	}
}

// Names are shown as they are: one with a secret in it is refused.
func TestSecretsInNamesAreRefused(t *testing.T) {
	const check = `, check = function() return "ok" end }`
	for text, want := range map[string]string{
		`metric_watchers = { pharos.MetricWatcher{ name = "x " .. token` + check + ` }`:                                             `pharos.lua:2: cannot use option "name" of MetricWatcher: "x ••••••" has a secret in it, and names are shown`,
		`metric_watchers = { pharos.MetricWatcher{ name = "x " .. token:sub(1, 6) .. "\27[0m" .. token:sub(7)` + check + ` }`:       `pharos.lua:2: cannot use option "name" of MetricWatcher: "x ••••••" has a secret in it, and names are shown`,
		`metric_watchers = { pharos.MetricWatcher{ name = "x", id = token` + check + ` }`:                                           `pharos.lua:2: cannot use option "id" of MetricWatcher: "••••••" has a secret in it, and names are shown`,
		`metric_watchers = { pharos.MetricWatcher{ name = "x", ssh_host = "root@" .. token` + check + ` }`:                          `pharos.lua:2: cannot use option "ssh_host" of MetricWatcher: "root@••••••" has a secret in it, and names are shown`,
		`metric_watchers = { pharos.MetricWatcher{ name = "x", ssh_host = { pharos.here, token }` + check + ` }`:                    `pharos.lua:2: cannot use option "ssh_host" of MetricWatcher: "••••••" has a secret in it, and names are shown`,
		`metric_watcher_sets = { pharos.WatcherSet("Set " .. token, {}) }`:                                                          `pharos.lua:2: cannot use WatcherSet: "Set ••••••" has a secret in it, and names are shown`,
		`metric_watchers = {} page_tag = "tag " .. token`:                                                                           `cannot use page_tag: "tag ••••••" has a secret in it, and names are shown`,
		`metric_watchers = { pharos.MetricWatcher{ name = "x", events = pharos.exec.stream("cat", print, { ssh_host = token }) } }`: `pharos.lua:2: cannot call pharos.exec.stream on a host: "••••••" has a secret in it, and names are shown`,
	} {
		b := newTestBoard(t)
		b.LookupEnv = func(string) (string, bool) { return "s3cret-password", true }
		b.write("pharos.lua", "local token = pharos.secret('TOKEN')\n"+text)
		config, err := Load(t.Context(), b.Options)
		if err == nil {
			config.Close()
		}
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}

	b := newTestBoard(t)
	b.LookupEnv = func(string) (string, bool) { return "s3cret-password", true }
	b.load(`local token = pharos.secret("TOKEN")
metric_watchers = {
  pharos.MetricWatcher{ name = "option", check = function() pharos.exec("true", { ssh_host = token }) return "ok" end },
  pharos.MetricWatcher{ name = "ssh", check = function() pharos.ssh(token):exec("true") return "ok" end },
}
metric_watcher_sets = { pharos.WatcherSet("Found", function() return { pharos.MetricWatcher{ name = "x " .. token, check = print } } end) }`)
	for _, id := range []engine.ID{"option", "ssh"} {
		got := b.run(id)
		if want := `"••••••" has a secret in it, and names are shown`; got.Status != engine.Unknown || !strings.HasSuffix(got.Detail, want) {
			t.Errorf("%s: %v %q, want unknown, %s", id, got.Status, got.Detail, want)
		}
	}
	if got := fmt.Sprint(b.problems); !strings.Contains(got, `cannot use option "name" of MetricWatcher: "x ••••••" has a secret in it`) {
		t.Errorf("problems = %s, want the name refused", got)
	}
}
