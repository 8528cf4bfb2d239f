package probe

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// A host that stays away is told of once at the level that is shown, and again
// when the reason is another one.
func TestSSHFailureIsWarnedOfOnce(t *testing.T) {
	var out bytes.Buffer
	pool := &SSHPool{ctx: t.Context(), log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	h := &sshHost{pool: pool, name: "web-1"}
	for _, message := range []string{"no such host", "no such host", "refused", "refused", "no such host"} {
		h.failed(&Error{Kind: Vantage, Message: message})
	}
	if got := strings.Count(out.String(), "ssh failed"); got != 3 {
		t.Errorf("%d warnings, want 3:\n%s", got, &out)
	}
}
