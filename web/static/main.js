// Puts the page together: the stream feeds the model, the model the parts.

import { Clock } from "./ages.js";
import { Announcer } from "./announce.js";
import { Board } from "./board.js";
import { Detail } from "./detail.js";
import { glow, isStale } from "./face.js";
import { matcher, missing, scope } from "./filter.js";
import { Header } from "./header.js";
import { Keys } from "./keys.js";
import { Kiosk } from "./kiosk.js";
import { Model } from "./model.js";
import { Rail } from "./rail.js";
import { tells } from "./section.js";
import { Settings } from "./settings.js";
import { inTrouble } from "./status.js";
import { Stream } from "./stream.js";
import { Title } from "./title.js";

const model = new Model(), clock = new Clock(), settings = new Settings();
const header = new Header(), rail = new Rail(() => summarise()), title = new Title(), announcer = new Announcer();

const snapshot = JSON.parse(document.getElementById("snapshot").textContent || "null");
if (snapshot) {
  model.board(snapshot);
  clock.sync(snapshot.time);
}
const page = snapshot?.page;
const board = new Board(model, clock, snapshot !== null, summarise);
const detail = new Detail(model, clock, opened);
const kiosk = settings.kiosk ? new Kiosk(board) : null;
new Keys(board, detail, settings, (words) => announcer.say(words));

let lost = null;
let inScope = scope(settings.sets);

// The worker reads it too, from where its own script is: it is named whole.
const stream = new Stream(new URL("events", document.baseURI).pathname, page ?? "", {
  board(data) {
    if (page !== undefined && data.page !== page) return reload();
    heard(data);
    const transitions = model.board(data);
    header.tag(model.pageTag);
    header.config(model.config);
    header.missing(missing(settings.sets, model.sets));
    lag();
    board.layout();
    announcer.transitions(transitions.filter((t) => inScope(t.tile)));
    announcer.moves(model.moves.filter((move) => inScope({ set: move.name })));
    detail.changed([...model.tiles.keys()]);
  },
  update(data) {
    heard(data);
    const { changed, transitions } = model.update(data);
    board.touch(changed);
    announcer.transitions(transitions.filter((t) => inScope(t.tile)));
    detail.changed(changed);
    // A hidden page gets no frames, but its title and icon are seen.
    if (document.hidden && transitions.length > 0) summarise();
  },
  beat(data) {
    heard(data);
    model.beat(data);
    lag();
  },
  config(data) {
    model.configured(data);
    header.config(model.config);
    if (kiosk) summarise();
  },
  state(now) {
    if ((now === null) !== (lost === null)) {
      announcer.say(now ? "Connection to Pharos lost, the board is stale." : "Connected to Pharos.");
      lost = now;
      summarise();
    }
    lost = now;
    if (lost) document.documentElement.classList.remove("-live");
    header.lost(now, model.host);
  },
});

// How late Pharos is changes all the time: that it is, is told once.
let late = false;
function lag() {
  header.lag(model.lag);
  if (model.lag.late === late) return;
  late = model.lag.late;
  announcer.say(late ? "Pharos is late." : "Pharos is on time again.");
}

function heard(data) {
  if (!data.time) return;
  clock.sync(data.time);
  header.heard(data.time);
  document.documentElement.classList.add("-live");
}

// A new server may bring a new page. Not more than once in ten seconds, in
// case two servers take turns behind one address: the browser knows of a page
// that it was reloaded, also where it stores nothing.
function reload() {
  const reloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
  setTimeout(() => location.reload(), reloaded ? Math.max(0, 10_000 - performance.now()) : 0);
}

// summarise draws what follows from all tiles together.
function summarise() {
  const now = clock.known();
  const counts = model.counts(now, inScope);
  header.counts(counts);
  rail.show(model.problems(now, inScope), counts.total, now);
  title.show(counts, lost);
  if (kiosk?.layout(shown(now))) board.arrange();
}

// shown counts the tiles of each set that are to be seen, for the kiosk.
function shown(now) {
  return model.sets.map((set) => {
    const { name, ids } = set;
    const tiles = ids.map((id) => model.tiles.get(id)).filter((tile) => board.shows(tile, now));
    const well = tiles.filter((tile) => !inTrouble(tile) && !isStale(tile, now)), recovered = well.filter((tile) => glow(tile, now)).length;
    return { name, told: board.tells(set), shown: tiles.length, problems: tiles.length - well.length, recovered };
  });
}

function opened(id) {
  board.expand(id);
  if (kiosk) summarise();
}

const light = document.getElementById("light");
settings.changed(() => {
  const root = document.documentElement.dataset;
  if (light.media !== settings.lightWhen) light.media = settings.lightWhen; // the same again would style all anew
  root.density = settings.density;
  root.palette = settings.palette;
  inScope = scope(settings.sets);
  const matches = matcher(settings.query), only = settings.problems;
  board.shows = (tile, now) =>
    inScope(tile) && (!only || inTrouble(tile) || isStale(tile, now)) && matches(tile, now);
  header.missing(missing(settings.sets, model.sets));
  document.getElementById("empty").textContent = settings.query ? "Nothing matches the filter. Esc clears it." : only ? "No problems." : "Nothing to show here.";
  board.tells = (set) => tells(set) && inScope({ set: set.name });
  board.arrange();
  summarise();
});

clock.each((now) => {
  header.tick(now);
  board.age();
  detail.show();
});
addEventListener("resize", () => summarise());
for (const element of document.querySelectorAll(".count")) {
  element.querySelector("button").addEventListener("click", () => {
    const query = `is:${element.dataset.status}`;
    settings.query = document.getElementById("search").value = settings.query === query ? "" : query;
  });
}
document.getElementById("rail-more").addEventListener("click", () => (settings.problems = true));
detail.follow();
clock.start();
stream.start();
