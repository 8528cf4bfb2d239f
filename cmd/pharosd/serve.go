package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"pharos/engine"
	"pharos/luaapi"
	"pharos/web"
)

// The end of a daemon is bounded: viewers' streams closed, runs cancelled,
// children told to end, and killed if they do not, connections closed.
const (
	killGrace  = time.Second            // for children that asked for longer
	landGrace  = 300 * time.Millisecond // for all else, once they were killed
	closeGrace = 300 * time.Millisecond // after it
)

// memoryMost is more MiB than any machine has: 2^44 times a MiB is 0 bytes.
const memoryMost = 1 << 30

type serveFlags struct {
	configFlags
	accessFlags
	port       int
	listen     string
	staticPath string
	streamRate int
	showSource bool
	state      string
	memory     uint
	logFormat  logFormat
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the watchers and serve the board (what pharosd does without a command)",
		Example: `  pharosd serve -c sites.lua
  pharosd serve -c conf.d --listen :8811`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), f, cmd.OutOrStdout())
		},
	}
	f.configFlags.add(cmd)
	flags := cmd.Flags()
	f.logFormat = "text"
	flags.Var(&f.logFormat, "log-format", "how the log is written")
	f.accessFlags.add(flags)
	flags.IntVarP(&f.port, "port", "P", 8811, "port to serve on; 0 picks a free one")
	f.listen = "127.0.0.1"
	flags.Var((*given)(&f.listen), "listen", "address to serve on: HOST, HOST:PORT or :PORT for all interfaces")
	flags.VarP((*given)(&f.staticPath), "static-path", "s", "folder whose files are laid over /static")
	flags.IntVar(&f.streamRate, "stream-rate", 10, "updates a second that a viewer gets, at most")
	flags.StringVar(&f.state, "state", defaultStatePath(),
		"file that keeps since when statuses last, and what scripts remember, across restarts (default $STATE_DIRECTORY/state.json, else none)")
	flags.UintVar(&f.memory, "script-memory", 0,
		"MiB of memory that scripts may use (default the smaller of 512 and a quarter of the machine's or its control group's)")
	flags.BoolVar(&f.showSource, "show-source", false, "show a watcher's source lines on the board (they may hold commands)")
	return cmd
}

// address joins --listen and --port; a port in --listen wins.
func (f *serveFlags) address() (string, error) {
	if f.port < 0 || f.port > 65535 {
		return "", fmt.Errorf("cannot use port %d: want 0 to 65535", f.port)
	}
	if host, port, err := net.SplitHostPort(f.listen); err == nil {
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			return "", fmt.Errorf("cannot listen on %q: port %q: want 0 to 65535", f.listen, port)
		}
		return net.JoinHostPort(host, port), nil
	}
	return net.JoinHostPort(strings.Trim(f.listen, "[]"), strconv.Itoa(f.port)), nil
}

// open listens on the address.
func (f *serveFlags) open() (net.Listener, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listening: %w; -P picks another port, -P 0 a free one", err)
	case err != nil:
		return nil, fmt.Errorf("listening: %w", err)
	}
	return ln, nil
}

// serve is the daemon: it returns when ctx ends, or when it cannot start.
func serve(ctx context.Context, f serveFlags, out io.Writer) error {
	// Whoever reads the log may go away, and the board goes on. Ignoring the signal
	// would have every command ignore it that a watcher runs.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	// The end is bounded. Who ends a group, as timeout(1) does, sends the signal twice,
	// and the second one would cut it off. It is held until the process is gone.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM)
	log := newLogWriter(os.Stderr, f.logFormat)
	defer log.close(closeGrace)
	logger := newLogger(log, f.verbosity, f.logFormat)
	if f.staticPath != "" {
		if _, err := os.ReadDir(f.staticPath); err != nil {
			return fmt.Errorf("reading the static path: %w", err)
		}
	}
	if f.memory > memoryMost {
		return fmt.Errorf("cannot use --script-memory %d: want at most %d MiB", f.memory, memoryMost)
	}
	ln, err := f.open()
	if err != nil {
		return err
	}
	defer ln.Close()

	eng := engine.New(engine.Config{Logger: logger})
	probes := luaapi.NewProbes(logger)
	defer boundedBy(closeGrace, probes.Close)
	context.AfterFunc(ctx, func() { time.AfterFunc(killGrace, probes.Hurry) }) // also while it loads
	o := f.options(logger)
	o.URL, o.Probes, o.Memory = boardURL(ln.Addr(), f.https()), probes, luaapi.NewMemory()
	keeper := newKeeper(f.state, eng, o.Memory, logger)
	notify := newNotifier()
	r := newReloader(o, eng, logger, notify)
	probes.LimitScripts(uint64(f.memory)<<20, r.afresh)
	switch err := r.first(ctx); {
	case err != nil && ctx.Err() != nil:
		return nil // it was told to end, and does
	case err != nil:
		return err
	}
	defer r.close()

	cfg, err := f.webConfig(eng.Board(), r, logger)
	if err != nil {
		return err
	}
	greet(out, o, r.current.Load().Generation)
	srv := web.New(cfg)
	r.ready() // the listener takes connections already
	// It is no part of the daemon: GOGC in the environment ends it, and that ends nothing else.
	go paceCollections(ctx)
	return runDaemon(ctx, daemon{
		hurry: probes.Hurry,
		stop: func(ctx context.Context) error {
			notify.stopping()
			return srv.Shutdown(ctx)
		},
		parts: []func(context.Context) error{
			eng.Run,
			r.watch,
			keeper.run,
			func(ctx context.Context) error { return notify.feed(ctx, eng.Alive) },
			func(context.Context) error { return srv.Serve(ln) },
		},
	})
}

// webConfig says what the web server shows, and to whom.
func (f *serveFlags) webConfig(board *engine.Board, r *reloader, logger *slog.Logger) (web.Config, error) {
	host, _ := os.Hostname()
	cfg := web.Config{
		Board:      board,
		Version:    version(),
		Host:       host,
		StaticDir:  f.staticPath,
		Logger:     logger,
		StreamRate: f.streamRate,
	}
	if f.showSource {
		cfg.ShowSource = r.sourceLines
	}
	if f.streamRate < 1 || f.streamRate > web.MaxStreamRate {
		return cfg, fmt.Errorf("cannot use --stream-rate %d: want 1 to %d", f.streamRate, web.MaxStreamRate)
	}
	err := f.apply(&cfg, logger)
	return cfg, err
}

// daemon is what runs side by side until one part ends or the context does;
// stop ends the parts that a context does not, hurry kills what takes its time.
type daemon struct {
	parts []func(context.Context) error
	stop  func(context.Context) error
	hurry func()
}

// runDaemon runs the parts until ctx ends or one of them fails, then stops
// them all within the grace.
func runDaemon(ctx context.Context, d daemon) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, len(d.parts))
	for _, part := range d.parts {
		go func() {
			err := part(ctx)
			cancel()
			done <- err
		}()
	}
	<-ctx.Done()
	began := time.Now()
	// One time after the other: both would be over at once when the machine stood
	// still meanwhile, and what is killed would outlive the daemon.
	grace, over := context.WithCancel(context.WithoutCancel(ctx))
	defer over()
	defer time.AfterFunc(killGrace, func() {
		d.hurry()
		time.AfterFunc(landGrace, over)
	}).Stop()
	failed := d.stop(grace)
	for range d.parts {
		select {
		case err := <-done:
			if failed == nil {
				failed = err
			}
		case <-grace.Done():
			return fmt.Errorf("stopping: not done after %s", time.Since(began).Round(100*time.Millisecond))
		}
	}
	return failed
}

// boundedBy waits for f to be done, but not longer: what f waits for may be a key
// file on a file system that hangs, and ends with the process.
func boundedBy(limit time.Duration, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// boardURL is how a watcher reaches the board from this machine.
func boardURL(addr net.Addr, https bool) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return ""
	}
	ip := tcp.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	scheme := "http"
	if https {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(ip.String(), strconv.Itoa(tcp.Port)) + "/"
}

// greet tells a person where the board is and how to change it.
func greet(out io.Writer, o luaapi.Options, gen *engine.Generation) {
	watchers, _ := count(gen)
	fmt.Fprintf(out, "Pharos keeps watch on %s\n", o.URL)
	fmt.Fprintf(out, "%s from %s", plural(watchers, "watcher"), describe(o.Path))
	switch n := discoveries(gen); n {
	case 0:
	case 1:
		fmt.Fprint(out, ", and a set that finds its own")
	default:
		fmt.Fprintf(out, ", and %d sets that find their own", n)
	}
	if o.Path == "" {
		fmt.Fprint(out, "; to make your own, write a pharos.lua here and start again\n")
		return
	}
	fmt.Fprint(out, "; save it and the board changes\n")
}
