package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"pharos/engine"
)

// apiBoard is GET /api/board: what the event "board" holds.
func (s *Server) apiBoard(c echo.Context) error {
	sn, err := s.snapshots.get(0)
	if err != nil {
		return err
	}
	return sn.json.send(c)
}

// apiWatcher is GET /api/watchers/ID.
func (s *Server) apiWatcher(c echo.Context) error {
	id := wildcard(c)
	v, ok := s.cfg.Board.View(engine.ID(id))
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound, fmt.Sprintf("no watcher %q", id))
	}
	d := newDetail(&v, time.Now())
	d.lean(s.cfg.Board.Kin(v.ID))
	if s.cfg.ShowSource != nil {
		d.SourceAt = v.Place
		if f := v.Result.Failure; f != nil && f.Line > 0 {
			d.SourceAt = engine.Place{File: f.File, Line: f.Line}
		}
		d.SourceLines, _ = s.cfg.ShowSource(d.SourceAt)
	}
	return sendJSON(c, d)
}

// apiConfig is GET /api/config.
func (s *Server) apiConfig(c echo.Context) error {
	return sendJSON(c, newConfigState(s.cfg.Board.Config()))
}

func sendJSON(c echo.Context, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return newPayload("application/json", body).send(c)
}

// wildcard is what the route's * stands for, unescaped: an id may hold any
// character. Echo leaves it escaped where the path as sent and the path as
// read differ.
func wildcard(c echo.Context) string {
	raw := c.Param("*")
	if c.Request().URL.RawPath == "" {
		return raw
	}
	text, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
