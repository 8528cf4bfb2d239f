package luaapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// Options say what to load and what to load it with.
type Options struct {
	Path string // a file, or a folder of *.lua; "" = the file Name in FS
	FS   fs.FS
	Name string

	Classes   fs.FS   // the classes: builtin.FS
	Probes    *Probes // outlives reloads, and is what scripts reach the world with
	Memory    *Memory // outlives reloads; nil = one that nobody else sees
	Logger    *slog.Logger
	LookupEnv func(string) (string, bool) // nil = os.LookupEnv
	URL       string                      // pharos.url: the daemon's own address; "" where nothing is served

	Number uint64  // of the generation
	Prev   *Config // files of it that did not change are carried over as they are

	// What a test of scripts has of its own.
	primitives primitives                                      // what scripts reach the world with; nil = Probes
	clock      clock                                           // what they tell the time by; nil = the real one
	extend     func(s *script, L *lua.LState, env *lua.LTable) // adds globals; nil = none

	// What the tests of this package want otherwise.
	slice       time.Duration // longest to compute without a pause; 0 = the vm's default
	loadTimeout time.Duration // longest that a file may take to load; 0 = the vm's default
}

// Config is a loaded configuration. It runs nothing by itself: its Generation
// goes to [engine.Engine.Replace].
type Config struct {
	Generation *engine.Generation // nil if loading failed
	Inputs     []Input            // also when loading failed: what to watch for a change
	Warnings   []engine.LoadError // what is taken, but probably not meant

	scripts []*script
}

// LoadError says why a configuration was not taken: the first mistake, and More
// of other files.
type LoadError struct {
	engine.LoadError
	More []engine.LoadError
}

// Error gives one line for each mistake: "file:line: message".
func (e *LoadError) Error() string {
	lines := []string{formatLoadError(e.LoadError)}
	for _, more := range e.More {
		lines = append(lines, formatLoadError(more))
	}
	return strings.Join(lines, "\n")
}

func formatLoadError(e engine.LoadError) string {
	return (&vm.Error{File: e.File, Line: e.Line, Message: e.Message}).Error()
}

// Load reads a configuration. It runs the files but no watcher. When it fails,
// the error is a [*LoadError] and the Config has nothing but its Inputs; the
// configuration before it is untouched either way. A Config must be closed.
func Load(ctx context.Context, o Options) (*Config, error) {
	o.setDefaults()
	l := loader{Options: o, config: &Config{}}
	files, err := l.files()
	if err != nil {
		return l.config, err
	}
	for _, f := range files {
		if err := l.file(ctx, f); err != nil {
			l.fail(f, err)
		}
	}
	if len(l.errors) == 0 {
		l.generation()
	}
	l.note()
	l.Probes.mask.messages(l.errors, l.config.Warnings)
	if len(l.errors) > 0 {
		l.config.Close()
		l.config.scripts = nil
		return l.config, &LoadError{LoadError: l.errors[0], More: l.errors[1:]}
	}
	return l.config, nil
}

// setDefaults fills in what was left out.
func (o *Options) setDefaults() {
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.Memory = cmp.Or(o.Memory, NewMemory())
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.primitives == nil {
		o.primitives = o.Probes
	}
	if o.clock == nil {
		o.clock = wallClock{}
	}
}

// Close gives up what the configuration holds. Runs in flight end as they would:
// who wants them to end cancels their contexts.
func (c *Config) Close() {
	for _, s := range c.scripts {
		s.release()
	}
}

// SourceLine gives a line of a file as it was when the configuration loaded;
// "" if there is no such line. Lines count from 1.
func (c *Config) SourceLine(file string, line int) string {
	for _, s := range c.scripts {
		if source, ok := s.inputs.sources[file]; ok {
			lines := bytes.Split(source, []byte("\n"))
			if line >= 1 && line <= len(lines) {
				return strings.TrimRight(string(lines[line-1]), "\r")
			}
		}
	}
	return ""
}

// loader is one call of Load.
type loader struct {
	Options
	config *Config
	folder *Input // the glob, if Path is a folder
	errors []engine.LoadError
}

// mainFile is a script file to load: one universe.
type mainFile struct {
	name, path string
	fsys       fs.FS // nil = the disk
}

// files lists the script files that the configuration has.
func (l *loader) files() ([]mainFile, error) {
	if l.Path == "" {
		return []mainFile{{name: l.Name, path: l.Name, fsys: l.FS}}, nil
	}
	info, err := os.Stat(l.Path)
	if err != nil || !info.IsDir() {
		return []mainFile{{name: scriptName(l.Path), path: l.Path}}, nil // reading it says what is wrong
	}
	l.folder = &Input{Path: l.Path, Glob: true}
	names, err := l.folder.readGlob()
	l.config.Inputs = []Input{*l.folder}
	if err == nil && len(names) == 0 {
		err = errors.New("the folder has no *.lua file")
	}
	if err != nil {
		return nil, &LoadError{LoadError: engine.LoadError{File: scriptName(l.Path), Message: reason(err)}}
	}
	files := make([]mainFile, len(names))
	for i, name := range names {
		files[i] = mainFile{name: scriptName(filepath.Join(l.Path, name)), path: filepath.Join(l.Path, name)}
	}
	return files, nil
}

// reason is why a file could not be read, without saying again which.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file or folder"
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return "cannot read it: " + pathErr.Err.Error()
	}
	return err.Error()
}

// file loads one script file, or carries it over from the configuration before.
func (l *loader) file(ctx context.Context, f mainFile) error {
	if old := l.unchanged(f); old != nil {
		old.retain()
		l.config.scripts = append(l.config.scripts, old)
		return nil
	}
	dir := path.Dir(f.path)
	if f.fsys == nil {
		dir = filepath.Dir(f.path)
	}
	// The script keeps its options: with Prev in them, each configuration would
	// hold on to all that were before it.
	options := l.Options
	options.Prev = nil
	s, err := newScript(&options, f.name, dir, f.fsys)
	if err != nil {
		return err
	}
	s.path = f.path
	s.retain()
	l.config.scripts = append(l.config.scripts, s)
	source, err := s.inputs.source(f.name, f.path)
	if err != nil {
		return &LoadError{LoadError: engine.LoadError{File: f.name, Message: reason(err)}}
	}
	if err := s.load(ctx, source); err != nil {
		return err
	}
	s.adopt(l.Memory)
	return nil
}

// unchanged finds the script of a file in the configuration before, if nothing
// that it was made from has changed.
func (l *loader) unchanged(f mainFile) *script {
	if l.Prev == nil || f.fsys != nil {
		return nil
	}
	for _, s := range l.Prev.scripts {
		if s.name == f.name && s.path == f.path && !l.Probes.worn(s.universe) && !s.inputs.changed() {
			return s
		}
	}
	return nil
}

// fail notes why a file was not taken.
func (l *loader) fail(f mainFile, err error) {
	if failed, ok := errors.AsType[*LoadError](err); ok {
		l.errors = append(append(l.errors, failed.LoadError), failed.More...)
		return
	}
	l.errors = append(l.errors, brokenAt(engine.Place{File: f.name}, err))
}

// note gathers inputs and warnings of all files.
func (l *loader) note() {
	for _, s := range l.config.scripts {
		for _, input := range s.inputs.list {
			if !slices.Contains(l.config.Inputs, input) {
				l.config.Inputs = append(l.config.Inputs, input)
			}
		}
		l.config.Warnings = append(l.config.Warnings, s.warnings...)
	}
}

// generation puts the sets of all files together, those of equal name into one,
// the unnamed one first. Ids must be unique.
func (l *loader) generation() {
	g := &engine.Generation{Number: l.Number, LoadedAt: time.Now()}
	places := map[string]int{}
	watchers := 0
	for _, s := range l.config.scripts {
		watchers += len(s.watchers)
	}
	ids := make(map[engine.ID]placed, watchers)
	var tags []string // of the files that set it
	for _, s := range l.config.scripts {
		if s.pageTag != nil {
			tags = append(tags, *s.pageTag)
		}
		for _, set := range s.sets {
			place, ok := places[set.name]
			if !ok {
				place = len(g.Sets)
				places[set.name] = place
				g.Sets = append(g.Sets, engine.Set{Name: set.name})
			}
			if set.discover != nil {
				if before := g.Sets[place].Discover; before != nil {
					l.errors = append(l.errors, twoDiscoveries(set, before))
				}
				g.Sets[place].Discover = set.discover
			}
			for i := range set.watchers {
				w := &set.watchers[i]
				if before, twice := ids[w.ID]; twice {
					l.errors = append(l.errors, duplicate(before, placed{w, set.name}))
				}
				ids[w.ID] = placed{w, set.name}
			}
			members := &g.Sets[place].Watchers
			l.errors = append(l.errors, sameNames(set, *members)...)
			if len(*members) == 0 {
				*members = slices.Clip(set.watchers) // not a second list of ten thousand
			} else {
				*members = append(*members, set.watchers...)
			}
		}
	}
	if tags == nil {
		tags = []string{"Keeps watch..."}
	}
	g.PageTag = cmp.Or(tags...)
	slices.SortStableFunc(g.Sets, func(a, b engine.Set) int {
		return cmp.Compare(min(len(a.Name), 1), min(len(b.Name), 1))
	})
	l.config.Generation = g
	if len(l.errors) == 0 {
		l.errors = tangles(g, l.config.scripts)
	}
}

func twoDiscoveries(set declaredSet, before *engine.Discovery) engine.LoadError {
	return mistake(set.place, "cannot find members for WatcherSet %q twice: %s:%d does it already", set.name, before.Place.File, before.Place.Line)
}

// sameNames tells of watchers that have the name of another one in their set but
// ids of their own.
func sameNames(set declaredSet, earlier []engine.Watcher) []engine.LoadError {
	names := make(map[string]*engine.Watcher, len(set.watchers)+len(earlier))
	for i := range earlier {
		names[earlier[i].Name] = &earlier[i]
	}
	var errors []engine.LoadError
	for i := range set.watchers {
		w := &set.watchers[i]
		if before, twice := names[w.Name]; twice && before.ID != w.ID {
			errors = append(errors, duplicate(placed{before, set.name}, placed{w, set.name}))
		}
		names[w.Name] = w
	}
	return errors
}

// placed is a watcher and the name of its set.
type placed struct {
	*engine.Watcher
	set string
}

// inSet says which set it is in; the unnamed one goes without saying.
func (w placed) inSet() string {
	if w.set == "" {
		return ""
	}
	return fmt.Sprintf(" in the set %q", w.set)
}

func duplicate(before, w placed) engine.LoadError {
	first := fmt.Sprintf("%s:%d", before.Place.File, before.Place.Line)
	if before.Name == w.Name && before.set == w.set {
		return mistake(w.Place, "cannot use the name %q twice%s: %s has it already", w.Name, w.inSet(), first)
	}
	return mistake(w.Place, "cannot use the name %q%s: its id %q is that of %q%s at %s (give one an id = of its own)",
		w.Name, w.inSet(), w.ID, before.Name, before.inSet(), first)
}
