package luaapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"pharos/engine"
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

// Names are shown as they are: one with a secret in it is refused.
func TestSecretsInNamesAreRefused(t *testing.T) {
	const check = `, check = function() return "ok" end }`
	for text, want := range map[string]string{
		`metric_watchers = { pharos.MetricWatcher{ name = "x " .. token` + check + ` }`:                                             `pharos.lua:2: cannot use option "name" of MetricWatcher: "x ••••••" has a secret in it, and names are shown`,
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
