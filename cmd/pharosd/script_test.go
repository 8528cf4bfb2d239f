package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pharosd": func() {
			os.Exit(run(untilSignal(), os.Args[1:]))
		},
	})
}

// TestScripts runs the shell sessions of testdata: one topic a file, the first
// word of its name the subcommand.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"until": until,
		},
		Condition: func(name string) (bool, error) {
			if name != "mounts" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return exec.Command("unshare", "--map-root-user", "--mount", "true").Run() == nil, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("URL", "http://127.0.0.1:"+freePort(t))
			env.Setenv("PORT", env.Getenv("URL")[len("http://127.0.0.1:"):])
			return nil
		},
		RequireExplicitExec: true,
	})
}

// freePort finds a port that nobody listens on, below those that systems give
// to connections: one of those can be taken again before it is used.
func freePort(t *testing.T) string {
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(10000))
		if ln, err := net.Listen("tcp", ":"+port); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("a hundred ports are all in use")
	return ""
}

// patience is how long a test waits for what must come: a busy machine takes
// its time.
const patience = time.Minute

// until URL REGEXP asks URL until its answer matches, for as long as patience
// lasts; ! until URL waits until nobody answers. A path instead of a URL is
// a file that is read.
func until(ts *testscript.TestScript, gone bool, args []string) {
	if len(args) != 2 && !(gone && len(args) == 1) {
		ts.Fatalf("usage: until URL|FILE REGEXP, or ! until URL")
	}
	look := func() (string, error) { return fetch(args[0]) }
	if !strings.HasPrefix(args[0], "http://127.0.0.1:") {
		look = func() (string, error) {
			text, err := os.ReadFile(ts.MkAbs(args[0]))
			return string(text), err
		}
	}
	var last string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := look()
		switch {
		case gone && err != nil:
			return
		case gone:
			last = "it still answers"
		case err != nil:
			last = err.Error()
		case regexp.MustCompile(args[1]).MatchString(text):
			fmt.Fprint(ts.Stdout(), text)
			return
		default:
			last = text
		}
	}
	ts.Fatalf("until %s: not within %v; last: %s", strings.Join(args, " "), patience, last)
}

func fetch(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}
