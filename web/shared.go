package web

import (
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// maxServes bounds for how long what changes all the time is the same for all who
// ask: a process that is stopped while it makes it counts hours.
const maxServes = 5 * time.Second

// servesFor is for how long what took so long to make serves those who ask: they
// cost a fifth of one core at most.
func servesFor(cost time.Duration) time.Duration { return min(4*cost, maxServes) }

// sharedPayload is an answer that changes all the time. It serves for four times
// as long as it took to make: for ten thousand watchers it is megabytes, and
// those who ask by the hundred would take the memory of the scripts and the time
// of the watchers. Who asks while it is being made waits for the same one.
type sharedPayload struct {
	mu     sync.Mutex
	last   *payload
	serves time.Time // until when
}

// send answers a request with what it is now.
func (s *sharedPayload) send(c echo.Context, make func() (*payload, error)) error {
	answer, err := s.get(make)
	if err != nil {
		return err
	}
	return answer.send(c)
}

func (s *sharedPayload) get(make func() (*payload, error)) (*payload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	if s.last != nil && began.Before(s.serves) {
		return s.last, nil
	}
	next, err := make()
	if err != nil {
		return nil, err
	}
	made := time.Now()
	s.last, s.serves = next, made.Add(servesFor(made.Sub(began)))
	return next, nil
}
