package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"
)

// route is one line of the table. Every route answers GET and HEAD and nothing
// else.
type route struct {
	path     string
	handle   echo.HandlerFunc
	sameSite bool // refuse requests that another site's page makes
}

// routes is everything there is to ask for.
func (s *Server) routes() []route {
	return []route{
		{"/", s.page, false},
		{"/static/*", s.staticFile, false},
		{"/robots.txt", s.robots, false},
		{"/events", s.events, true},
		{"/api/board", s.apiBoard, true},
		{"/api/watchers/*", s.apiWatcher, true},
		{"/api/config", s.apiConfig, true},
		{"/poll/json", s.pollJSON, true}, // the original's
		{"/healthz", s.healthz, true},
		{"/readyz", s.readyz, true},
		{"/mood", s.mood, true},
		{"/metrics", s.metrics, true},
		{"/badge/*", s.badge, false},
	}
}

func (s *Server) newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.HTTPErrorHandler = s.answerError
	e.Pre(s.answerPanics, s.harden)
	for _, r := range s.routes() {
		handle := r.handle
		if r.sameSite {
			handle = refuseCrossSite(handle)
		}
		if r.path != "/events" {
			handle = limitAnswer(handle)
		}
		e.Match([]string{http.MethodGet, http.MethodHead}, r.path, handle)
	}
	return e
}

// answerPanics makes an error of a panic. net/http would tell of it in the log
// where it tells of every stranger who hangs up, which is not shown.
func (s *Server) answerPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { // meant so, and told of
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			if c.Response().Committed {
				s.logFailure(c, err)
				panic(http.ErrAbortHandler) // an answer cut short must not look whole
			}
		}()
		return next(c)
	}
}

func (s *Server) logFailure(c echo.Context, err error) {
	s.log.Error("answering a request", "path", c.Request().URL.Path, "error", err)
}

// answerError answers in JSON: {"error": "..."}.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	code, message := http.StatusInternalServerError, "internal error"
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		code = he.Code
		message = http.StatusText(code)
		if text, ok := he.Message.(string); ok {
			message = text
		}
	} else {
		s.logFailure(c, err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	_ = c.JSON(code, map[string]string{"error": strings.ToValidUTF8(message, "\uFFFD")})
}
