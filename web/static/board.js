// The board's sections and tiles in the page. Tiles are keyed by id: a new
// layout moves and keeps them, so nothing blinks and no focus is lost.

import { changesAt, face, isStale } from "./face.js";
import { inTrouble, isProblem, sign, standing, WORST_FIRST } from "./status.js";
import { Tile } from "./tile.js";

// A tile's colour changes at most three times a second (WCAG 2.3.1); what
// happened in between is in its trail.
const COLOUR_HOLD = 340; // milliseconds

export class Board {
  #root = document.getElementById("board");
  #empty = document.getElementById("empty");
  #tileTemplate = document.getElementById("tile-template");
  #setTemplate = document.getElementById("set-template");
  #model;
  #clock;
  #tiles = new Map(); // id -> Tile
  #coloured = new Map(); // id -> when its colour last changed
  #sections = new Map(); // set's name -> {element, list, sum, fold}
  #dirty = new Set();
  #frame = 0;
  #after;

  // shows decides which tiles are shown: (tile, now) -> bool.
  shows = () => true;
  folded = new Set(); // names of the sets whose well tiles are one count

  // painted: the model as the server's first paint shows it, or null. after()
  // is called at the end of each frame that changed something.
  constructor(model, clock, painted, after) {
    this.#model = model;
    this.#clock = clock;
    this.#after = after;
    if (painted) this.#adopt();
  }

  #adopt() {
    const now = this.#clock.known();
    for (const section of this.#root.querySelectorAll(":scope > .set")) this.#section(section.dataset.set, section);
    for (const element of this.#root.querySelectorAll(".tile")) {
      const data = this.#model.tiles.get(element.dataset.id);
      if (data) this.#tiles.set(data.id, new Tile(element, face(data, now)));
    }
  }

  #section(name, element) {
    element ??= this.#setTemplate.content.firstElementChild.cloneNode(true);
    element.dataset.set = name;
    const section = {
      element, list: element.querySelector(".tiles"), sum: element.querySelector(".sum"), fold: element.querySelector(".fold"),
    };
    const title = element.querySelector(".title");
    if (title.textContent !== name) title.textContent = name;
    element.classList.toggle("-unnamed", name === "");
    this.#sections.set(name, section);
    return section;
  }

  // layout brings sections and tiles in line with the model: those that stay
  // are kept where they are, or moved.
  layout() {
    const sections = new Set(), ids = new Set();
    let place = this.#root.firstElementChild;
    for (const { name, ids: members } of this.#model.sets) {
      const section = this.#sections.get(name) ?? this.#section(name);
      sections.add(name);
      place = settle(this.#root, section.element, place);
      section.element.dataset.size = members.length;
      let next = section.list.firstElementChild;
      for (const id of members) {
        ids.add(id);
        let tile = this.#tiles.get(id);
        if (!tile) this.#tiles.set(id, (tile = Tile.create(this.#tileTemplate, id)));
        next = settle(section.list, tile.element, next);
        this.#dirty.add(id);
      }
    }
    for (const [name, { element }] of this.#sections) if (!sections.has(name)) { element.remove(); this.#sections.delete(name); }
    for (const [id, { element }] of this.#tiles) if (!ids.has(id)) { element.remove(); this.#tiles.delete(id); this.#coloured.delete(id); }
    this.#paint();
  }

  // touch marks tiles as changed; they are drawn in the next frame, all at once.
  touch(ids) {
    for (const id of ids) this.#dirty.add(id);
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#frame = 0;
    const now = this.#clock.known(), instant = performance.now();
    let held = false;
    for (const id of this.#dirty) {
      const data = this.#model.tiles.get(id), tile = this.#tiles.get(id);
      if (!data || !tile) { this.#dirty.delete(id); continue; }
      if (tile.element.hidden) { tile.changesAt = Infinity; this.#dirty.delete(id); continue; }
      if (standing(data) !== tile.status) {
        if (instant - (this.#coloured.get(id) ?? -Infinity) < COLOUR_HOLD) { held = true; continue; }
        this.#coloured.set(id, instant);
      }
      tile.update(face(data, now));
      tile.changesAt = changesAt(data, now);
      this.#dirty.delete(id);
    }
    this.arrange();
    this.#after();
    if (held) setTimeout(() => this.touch([]), COLOUR_HOLD / 2);
  }

  // age redraws what time alone has changed: durations, afterglow, staleness.
  age() {
    const now = this.#clock.known();
    const due = [];
    for (const tile of this.#tiles.values()) if (tile.changesAt <= now) due.push(tile.id);
    if (due.length) this.touch(due);
  }

  // arrange hides what is not to be shown and sums each section up.
  arrange() {
    const now = this.#clock.known();
    let any = false;
    for (const { name, ids } of this.#model.sets) {
      const section = this.#sections.get(name);
      if (!section) continue;
      const counts = {};
      let shown = 0, well = 0;
      const folded = this.folded.has(name);
      for (const id of ids) {
        const data = this.#model.tiles.get(id), tile = this.#tiles.get(id);
        if (!tile) continue;
        const problem = inTrouble(data) || isStale(data, now);
        let show = this.shows(data, now);
        if (show) counts[standing(data)] = (counts[standing(data)] ?? 0) + 1;
        if (show && folded && !problem) { well++; show = false; }
        if (show) shown++;
        if (tile.element.hidden === show) {
          tile.element.hidden = !show;
          if (show) this.touch([id]); // it was not drawn while nobody saw it
        }
      }
      text(section.sum, summary(counts));
      text(section.fold, well ? `${well} well` : "");
      section.fold.hidden = well === 0;
      section.element.hidden = shown + well === 0;
      any ||= shown + well > 0;
    }
    this.#empty.hidden = any;
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

// settle makes element the child of parent at place; it gives the place after it.
function settle(parent, element, place) {
  if (element === place) return place.nextElementSibling;
  parent.insertBefore(element, place);
  return place;
}

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

// summary is "1■ 2▲" of a section's problems, and "" of a section that is well.
function summary(counts) {
  return WORST_FIRST.filter((s) => isProblem(s) && counts[s]).map((s) => counts[s] + sign(s)).join(" ");
}
