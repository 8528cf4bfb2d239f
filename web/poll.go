package web

import (
	"encoding/json"
	"time"

	"github.com/labstack/echo/v4"

	"pharos/engine"
)

// polled is a watcher in the words of the first Pharos: /poll/json. A pending
// or unknown one, and one in another's shadow, has its three flags false, and
// Status holds the word.
type polled struct {
	ID             engine.ID     `json:"id"`
	Name           string        `json:"name"`
	StatusOK       bool          `json:"status_ok"`
	StatusWarning  bool          `json:"status_warning"`
	StatusCritical bool          `json:"status_critical"`
	Value          string        `json:"value"`
	Detail         string        `json:"detail"`
	Duration       string        `json:"duration"` // "a moment", "5 minutes"
	Status         engine.Status `json:"status"`
	Shadow         engine.ID     `json:"shadow,omitempty"` // the watcher whose trouble explains this one's
}

// pollJSON is GET /poll/json, in the original's shape.
func (s *Server) pollJSON(c echo.Context) error {
	return s.polled.send(c, func() (*payload, error) {
		sn, err := s.snapshots.get(0)
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(map[string][]polled{"metric_watchers": poll(&sn.board, time.Now())})
		if err != nil {
			return nil, err
		}
		return newPayload("application/json", body), nil
	})
}

func poll(b *Board, now time.Time) []polled {
	list := []polled{}
	for t := range tiles(b) {
		list = append(list, polled{
			ID: t.ID, Name: t.Name,
			StatusOK:       t.Status == engine.OK && t.Shadow == "",
			StatusWarning:  t.Status == engine.Warning && t.Shadow == "",
			StatusCritical: t.Status == engine.Critical && t.Shadow == "",
			Value:          t.Value, Detail: t.Detail,
			Duration: durationWords(now.Sub(fromUnix(t.Since))),
			Status:   t.Status, Shadow: t.Shadow,
		})
	}
	return list
}
