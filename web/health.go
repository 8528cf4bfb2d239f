package web

import (
	"iter"
	"net/http"

	"github.com/labstack/echo/v4"

	"pharos/engine"
)

// healthz is GET /healthz: the process answers.
func (s *Server) healthz(c echo.Context) error { return sendWord(c, http.StatusOK, "ok") }

// readyz is GET /readyz: a configuration runs, and its watchers do too. That
// what they watch is broken is no reason not to be ready.
func (s *Server) readyz(c echo.Context) error {
	sn, err := s.snapshots.get(0)
	if err != nil {
		return err
	}
	why := notReady(&sn.board)
	if s.hub.isClosed() {
		why = errShuttingDown.Error()
	}
	if why != "" {
		return sendWord(c, http.StatusServiceUnavailable, why)
	}
	return sendWord(c, http.StatusOK, "ready")
}

func notReady(b *Board) string {
	if b.Config.Generation == 0 {
		return "no configuration is loaded"
	}
	empty := true
	for t := range tiles(b) {
		if !t.Stale {
			return ""
		}
		empty = false
	}
	if empty {
		return ""
	}
	return "no watcher has had a result in time"
}

// mood is GET /mood: the worst status on the board in one word, for a lamp or
// a script.
func (s *Server) mood(c echo.Context) error {
	sn, err := s.snapshots.get(0)
	if err != nil {
		return err
	}
	return sendWord(c, http.StatusOK, moodOf(&sn.board).String())
}

// moodOf gives the worst status of those in nobody's shadow; a stale one that is no problem counts as
// unknown, so that no lamp is green on old news.
func moodOf(b *Board) engine.Status {
	worst := engine.Pending
	for t := range tiles(b) {
		status := t.Status
		if t.Shadow != "" {
			status = engine.Pending
		}
		if t.Stale && !status.Problem() {
			status = engine.Unknown
		}
		if status.Worse(worst) {
			worst = status
		}
	}
	return worst
}

func sendWord(c echo.Context, code int, word string) error {
	return c.String(code, word+"\n")
}

// tiles walks over every tile of a board.
func tiles(b *Board) iter.Seq[*Tile] {
	return func(yield func(*Tile) bool) {
		for i := range b.Sets {
			for j := range b.Sets[i].Tiles {
				if !yield(&b.Sets[i].Tiles[j]) {
					return
				}
			}
		}
	}
}
