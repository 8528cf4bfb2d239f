package luaapi

import (
	"context"
	"testing"
	"time"
)

// silentContext is past its deadline and does not say so, as one whose timer is
// late on a busy machine.
type silentContext struct{ context.Context }

func (silentContext) Deadline() (time.Time, bool) { return time.Now(), true }

// A primitive that returned when its time was over tells who is to blame, also
// if the context's timer has not gone off yet.
func TestOverBeforeTheTimerSaysSo(t *testing.T) {
	if ctx := (silentContext{t.Context()}); ctx.Err() != nil || !over(ctx) {
		t.Errorf("over = %v of a context past its deadline with error %v, want true with none", over(ctx), ctx.Err())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	if over(ctx) || over(t.Context()) {
		t.Error("over before the end, want not")
	}
	cancel()
	if !over(ctx) {
		t.Error("not over after the end")
	}
}
