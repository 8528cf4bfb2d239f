package luaapi

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Who sends too much is held up while the stream goes on. When it is over what
// is left of it holds nobody up who waits for the end.
func TestQueuePaceEndsWithTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q := newEventQueue(ctx)
		flood := func() time.Duration {
			began := time.Now()
			for range 20 * queuePace {
				q.push(event{})
			}
			return time.Since(began)
		}
		if took := flood(); took < 19*queuePeriod {
			t.Errorf("%d events were taken in %v, want at least %v", 20*queuePace, took, 19*queuePeriod)
		}
		cancel()
		if took := flood(); took != 0 {
			t.Errorf("events left of a stream that is over were taken in %v, want at once", took)
		}
	})
}
