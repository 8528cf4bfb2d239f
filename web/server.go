package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"pharos/engine"
)

// Config configures a [Server]. Only Board is needed.
type Config struct {
	Board   *engine.Board
	Version string
	Host    string       // the machine's name, shown on the board and accepted as Host
	Logger  *slog.Logger // default slog.Default

	StaticDir  string // files in it are laid over /static
	StreamRate int    // frames a second for each viewer, at most; default 10, bounds 1 to MaxStreamRate

	MaxStreams      int      // viewers at once; default 10,000
	MaxStreamsPerIP int      // viewers at once from one address, of IPv6 one /64; 0 = no bound (a proxy is one address)
	AllowedHosts    []string // further names the board may be asked for by; "*.example.org" takes every name below it
	FrameAncestors  []string // origins that may show the board in a frame; default none

	Auth        *Auth        // who is let in; nil lets everybody in
	Certificate *Certificate // serves HTTPS, with HTTP/2; nil serves HTTP

	// ShowSource gives the lines of a script around a watcher's definition, to
	// show them in its detail; nil shows none: they may hold commands.
	ShowSource func(engine.Place) ([]SourceLine, bool)
}

// MaxStreamRate bounds the frames a second that a viewer gets.
const MaxStreamRate = 100

const (
	defaultStreamRate = 10
	defaultMaxStreams = 10_000

	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	// answerTimeout bounds the writing of an ordinary answer. There is no
	// timeout on the server as a whole: it would cut every stream.
	answerTimeout = 30 * time.Second
	pingEvery     = 15 * time.Second
	// drainTimeout is how long Shutdown waits for answers under way before it
	// closes their connections.
	drainTimeout = time.Second
)

// Server serves one board. Make it with [New].
type Server struct {
	cfg       Config
	log       *slog.Logger
	snapshots *snapshots
	pages     *pageCache
	polled    sharedPayload
	metered   sharedPayload
	hub       *hub
	static    *static
	echo      *echo.Echo
	http      *http.Server
	started   time.Time
	maxConns  int
}

// New makes a server; it does nothing before [Server.Serve] or a request to
// [Server.Handler].
func New(cfg Config) *Server {
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	cfg.StreamRate = min(max(cmp.Or(cfg.StreamRate, defaultStreamRate), 1), MaxStreamRate)
	cfg.MaxStreams = cmp.Or(cfg.MaxStreams, defaultMaxStreams)
	s := &Server{
		cfg:    cfg,
		log:    cfg.Logger,
		static: newStatic(cfg.StaticDir, cfg.Logger),

		started:  time.Now(),
		maxConns: maxConns(),
	}
	s.snapshots = &snapshots{
		board:    cfg.Board,
		identity: identity{boot: rand.Text(), version: cfg.Version, page: s.static.pageID(cfg.Version), host: cfg.Host},
	}
	s.pages = &pageCache{
		snapshots: s.snapshots,
		template:  template.Must(template.ParseFS(pages, "*.html")),
	}
	s.hub = newHub(cfg.Board, s.snapshots, cfg.StreamRate, cfg.MaxStreams, cfg.MaxStreamsPerIP)
	s.echo = s.newEcho()
	s.http = &http.Server{
		Handler:           s.echo,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		ConnContext:       withConn,
		// A deadline of HTTP/2 ends a stream only: these end a connection that
		// takes no ordinary answer, or whose other side is gone. They are clock
		// times, and so longer than a viewer's, which a process that stands
		// still does not use up: see [hub.cutStuck].
		HTTP2: &http.HTTP2Config{WriteByteTimeout: answerTimeout, SendPingTimeout: pingEvery, PingTimeout: pingEvery},
		// net/http would answer OPTIONS * by itself, past what holds for every request.
		DisableGeneralOptionsHandler: true,
	}
	if cfg.Certificate != nil {
		s.http.TLSConfig = cfg.Certificate.config()
	}
	return s
}

type connKey struct{}

// withConn lets a request know its connection, below TLS.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	return context.WithValue(ctx, connKey{}, conn)
}

// Handler serves every route, without the limits that belong to a listener.
func (s *Server) Handler() http.Handler { return s.echo }

// Viewers gives the number of open streams.
func (s *Server) Viewers() int { return s.hub.count() }

// Serve answers requests on ln until [Server.Shutdown], and then gives nil.
func (s *Server) Serve(ln net.Listener) error {
	if s.cfg.Auth == nil && !isLoopback(ln.Addr()) {
		s.log.Warn("everybody who reaches this address sees the board: no password file or token is set", "address", ln.Addr().String())
	}
	room := newRoom(viewerListener{ln}, s.maxConns, s.log)
	s.http.ConnState = room.left
	var err error
	if s.cfg.Certificate != nil {
		err = s.http.ServeTLS(room, "", "")
	} else {
		err = s.http.Serve(room)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback() // what is not TCP does not leave the machine
}

// Shutdown closes every stream, waits for the answers under way until ctx
// ends, at most a second, and closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.hub.close()
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if ctx.Err() != nil {
		err = s.http.Close()
	}
	return errors.Join(err, s.static.close())
}
