package web

import (
	"context"
	"errors"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// Who guesses passwords waits for himself: a login from elsewhere comes after
// one guess at most, however many wait.
func TestGuessesHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		give, err := turns.take(t.Context(), "somebody")
		if err != nil {
			t.Fatal(err)
		}
		order := make(chan string, maxLine+1)
		enter := func(of string) {
			go func() {
				give, err := turns.take(t.Context(), of)
				if err != nil {
					t.Errorf("taking a turn from %s: %v", of, err)
					return
				}
				order <- of
				give()
			}()
			synctest.Wait()
		}
		for range maxLine {
			enter("guesser")
		}
		if _, err := turns.take(t.Context(), "guesser"); !errors.Is(err, errCrowded) {
			t.Errorf("taking a turn behind %d others = %v, want errCrowded", maxLine, err)
		}
		enter("viewer")
		give()
		synctest.Wait()
		if first, second := <-order, <-order; first != "viewer" && second != "viewer" {
			t.Errorf("the first turns went to %s and %s, want the viewer among them", first, second)
		}
		for range maxLine - 1 {
			<-order
		}
		synctest.Wait()
		if len(turns.lines) != 0 {
			t.Errorf("%d lines are left behind, want none", len(turns.lines))
		}
	})
}

// Nobody who gave up keeps a place.
func TestTurnsOfThoseWhoLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		give, err := turns.take(t.Context(), "somebody")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 { // one at the head of its line, two behind
			go func() {
				if _, err := turns.take(ctx, "impatient"); !errors.Is(err, context.Canceled) {
					t.Errorf("taking a turn until cancelled = %v, want context.Canceled", err)
				}
			}()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if len(turns.lines) != 1 {
			t.Errorf("%d lines, want that of who has the turn", len(turns.lines))
		}
		give()
		if give, err = turns.take(t.Context(), "impatient"); err != nil {
			t.Fatal(err)
		}
		give()
	})
}

// A password that was right stays so while others of the file change: nobody who
// is logged in waits behind guesses then.
func TestLoginIsRememberedWhenTheFileChanges(t *testing.T) {
	ada := "ada:" + hashOf(t, "right") + "\n"
	file := lines(t, ada)
	a := newTestAuth(t, AuthConfig{PasswordFile: file})
	r, _ := http.NewRequest("GET", "/", nil)
	if _, err := a.passwordIs(r, "ada", "right"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(ada+"bob:"+hashOf(t, "other")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.passwords.mu.Lock()
	a.passwords.looked = time.Time{} // a second has gone by
	a.passwords.mu.Unlock()
	give, err := a.hashing.take(t.Context(), neighbourhood(r)) // by a guess
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // who has to wait is refused
	if _, err := a.passwordIs(r.WithContext(gone), "ada", "right"); err != nil {
		t.Errorf("a known password after another user came: %v, want it remembered", err)
	}
	if len(a.users) != 2 {
		t.Errorf("%d users, want the file read again", len(a.users))
	}
}

func TestNeighbourhood(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7:80":           "192.0.2.7",
		"[::ffff:192.0.2.7]:80":  "192.0.2.7",
		"[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":      "fe80::/64",
		"@":                      "",
	} {
		if got := neighbourhood(&http.Request{RemoteAddr: addr}); got != want {
			t.Errorf("neighbourhood(%q) = %q, want %q", addr, got, want)
		}
	}
}
