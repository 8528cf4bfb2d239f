// The board's sections and tiles in the page. Tiles are keyed by id: a new
// layout moves and keeps them, so nothing blinks and no focus is lost.

import { face, glow, isStale } from "./face.js";
import { Folds, label } from "./fold.js";
import { Painter } from "./painter.js";
import { Section, tells } from "./section.js";
import { settle } from "./settle.js";
import { inTrouble, standing } from "./status.js";
import { Tile } from "./tile.js";

// Tiles are made for so long at once; a configuration may bring thousands.
const MAKE_FOR = 20; // milliseconds

// What arrange finds of a tile: one that is well is folded with its like.
const HIDDEN = 0, WELL = 1, SHOWN = 2;

export class Board {
  #root = document.getElementById("board");
  #empty = document.getElementById("empty");
  #tileTemplate = document.getElementById("tile-template");
  #setTemplate = document.getElementById("set-template");
  #model;
  #clock;
  #tiles = new Map(); // id -> Tile
  #sections = new Map(); // set's name -> Section
  #painter;
  #looks = new Map(); // id -> what arrange asks of a tile, as it was when last touched
  #moved = new Set(); // names of sets to arrange
  #makeUntil = 0;
  #after;
  #columns = 0; // until they are measured
  #expanded = null; // the id of the tile that the panel shows

  // shows decides which tiles are shown: (tile, now) -> bool.
  shows = () => true;
  tells = tells; // which sets are shown also without a tile
  folds = new Folds();

  // painted: the model as the server's first paint shows it, or null. after()
  // is called at the end of each frame that changed something.
  constructor(model, clock, painted, after) {
    this.#model = model;
    this.#clock = clock;
    this.#after = after;
    this.#painter = new Painter(model, clock, this.#tiles, this.#sections, () => this.#painted());
    new ResizeObserver(() => this.#measure()).observe(this.#root);
    if (painted) this.#adopt();
  }

  #adopt() {
    const now = this.#clock.known();
    this.folds.take(this.#model.sets);
    for (const stretch of this.#root.querySelectorAll("noscript")) stretch.remove(); // folded: in the model
    for (const section of this.#root.querySelectorAll(":scope > .set")) this.#section(section.dataset.set, section);
    for (const element of this.#root.querySelectorAll(".tile")) {
      const data = this.#model.tiles.get(element.dataset.id);
      if (data) this.#tiles.set(data.id, new Tile(element, face(data, now)));
    }
  }

  #measure() {
    const columns = getComputedStyle(this.#root).gridTemplateColumns.split(" ").length;
    if (columns !== this.#columns) {
      this.#columns = columns;
      this.arrange();
    }
    this.#painter.shift();
  }

  #section(name, element) {
    const section = new Section(name, element, this.#setTemplate, () => this.#open(name));
    this.#sections.set(name, section);
    return section;
  }

  #open(name) {
    this.folds.toggle(name);
    this.arrange();
    this.#after();
  }

  // layout brings sections and tiles in line with the model: those that stay
  // are kept where they are, or moved. A tile is made when it is first shown.
  layout() {
    this.folds.take(this.#model.sets);
    this.#looks.clear();
    const sections = new Set(), ids = new Set();
    let place = this.#root.firstElementChild;
    for (const { name, ids: members } of this.#model.sets) {
      const section = this.#sections.get(name) ?? this.#section(name);
      sections.add(name);
      this.#moved.add(name);
      place = settle(this.#root, section.element, place);
      section.element.dataset.size = members.length;
      let next = section.list.firstElementChild;
      for (const id of members) {
        ids.add(id);
        const tile = this.#tiles.get(id);
        if (tile) next = settle(section.list, tile.element, next);
        this.#mark(id);
      }
    }
    for (const [name, { element }] of this.#sections) if (!sections.has(name)) { element.remove(); this.#sections.delete(name); }
    for (const [id, { element }] of this.#tiles) if (!ids.has(id)) { element.remove(); this.#tiles.delete(id); this.#painter.forget(id); }
    this.#painter.paint();
  }

  // touch marks tiles as changed; they are drawn in the next frame that the pace
  // allows, all at once.
  touch(ids) {
    for (const id of ids) this.#mark(id);
    this.#painter.askInTime();
  }

  #mark(id) {
    this.#painter.mark(id);
    const data = this.#model.tiles.get(id), look = data && this.#look(data);
    if (!data || look === this.#looks.get(id)) return;
    this.#looks.set(id, look);
    this.#moved.add(data.set);
  }

  #look(data) {
    const now = this.#clock.known();
    return `${data.status} ${standing(data)} ${isStale(data, now)} ${glow(data, now) !== ""}`;
  }

  #painted() {
    const moved = this.#moved;
    this.#moved = new Set();
    this.arrange(moved);
    this.#after();
  }

  // age redraws what time alone has changed: durations, afterglow, staleness.
  age() {
    const now = this.#clock.known();
    const due = [];
    for (const [id, data] of this.#model.tiles) {
      if (this.#tiles.get(id)?.changesAt <= now || this.#look(data) !== this.#looks.get(id)) due.push(id);
    }
    if (due.length) this.touch(due);
  }

  // arrange shows what is to be shown, folds, and sums up, in the sets of these
  // names or in all.
  arrange(names) {
    const now = this.#clock.known();
    this.#makeUntil = performance.now() + MAKE_FOR;
    for (const set of this.#model.sets) {
      const { name, ids } = set, section = this.#sections.get(name);
      if (!section || (names && !names.has(name))) continue;
      const counts = {};
      const well = { ok: 0, shadow: 0, pending: 0 };
      let shown = 0;
      const plan = ids.map((id) => {
        const data = this.#model.tiles.get(id);
        if (!this.shows(data, now)) return HIDDEN;
        counts[standing(data)] = (counts[standing(data)] ?? 0) + 1;
        if (inTrouble(data) || isStale(data, now) || (this.folds.traced && glow(data, now))) return SHOWN;
        well[standing(data)]++;
        return WELL;
      });
      const all = well.ok + well.shadow + well.pending;
      const { folds, open } = this.folds.of(name, all);
      let last = null;
      ids.forEach((id, i) => {
        const show = plan[i] === SHOWN || (plan[i] === WELL && (!folds || open));
        if (show) shown++;
        last = this.#show(section, id, show, last, now);
      });
      const fold = folds ? label(well, open) : "", headed = this.folds.headed(name, shown);
      section.tell(set, headed ? fold : "");
      if (this.#columns) section.reserve(Math.ceil((shown + (folds ? 1 : 0)) / this.#columns));
      section.sumUp(counts, shown, headed ? "" : fold, this.tells(set));
    }
    this.#empty.hidden = [...this.#sections.values()].some(({ element }) => !element.hidden);
  }

  // #show shows or hides a tile, which is made at its first show, after last: now
  // or, where time is short, in a later frame. It gives the last there is.
  #show(section, id, show, last, now) {
    let tile = this.#tiles.get(id);
    if (!tile) {
      if (!show) return last;
      const data = this.#model.tiles.get(id);
      if (performance.now() > this.#makeUntil) {
        this.#moved.add(data.set);
        this.#painter.ask();
        return last;
      }
      tile = Tile.create(this.#tileTemplate, id);
      this.#painter.draw(tile, data, now);
      this.#tiles.set(id, tile);
      if (id === this.#expanded) tile.expand(true);
      if (last) last.after(tile.element);
      else section.list.prepend(tile.element);
    } else if (tile.element.hidden === show) {
      tile.element.hidden = !show;
      if (show) { // it was not drawn while nobody saw it
        this.#mark(id);
        this.#painter.ask();
      }
    }
    return tile.element;
  }

  // expand marks the tile that the panel shows, also when it is made later.
  expand(id) {
    this.tile(this.#expanded)?.expand(false);
    this.#expanded = id;
    this.tile(id)?.expand(true);
    this.tile(id)?.element.scrollIntoView({ block: "nearest" });
  }

  tile(id) {
    return this.#tiles.get(id);
  }

  section(name) {
    return this.#sections.get(name)?.element;
  }

  // visible lists the tiles shown, in the order of the board.
  visible() {
    return [...this.#root.querySelectorAll(".tile:not([hidden])")]
      .filter((element) => !element.closest("[hidden]"))
      .map((element) => this.#tiles.get(element.dataset.id));
  }
}
