// When tiles are drawn: what is in sight in the next frame, the rest at leisure.

import { changesAt, face } from "./face.js";
import { standing } from "./status.js";

// A tile's colour changes at most three times a second (WCAG 2.3.1); what
// happened in between is in its trail.
const COLOUR_HOLD = 340; // milliseconds

// A frame draws tiles for so long and leaves the others to the next: a whole
// board at once, as a stream begins with, stopped a page of 2,000 for 150 ms.
const DRAW_FOR = 20; // milliseconds

// Tiles out of sight wait, and get so much of each frame: most of a large board
// changes where nobody looks, but what reads it without looking, a search in the
// page or a screen reader, finds it soon as it is.
const REST_FOR = 2; // milliseconds
const REST_EVERY = 250; // milliseconds, when nothing else asks for a frame

// Frames that show updates may take this share of the page's time, with what the
// browser does after the script: a weak machine behind a screen draws fewer of
// them. What somebody does at the page waits for none.
const SHARE = 0.15;
const PACE_MOST = 250; // milliseconds from one frame to the next, at most

const MARGIN = 200; // pixels around the window that count as in sight

export class Painter {
  #model;
  #clock;
  #tiles;
  #sections;
  #painted;
  #coloured = new Map(); // id -> when its colour last changed
  #fresh = new Set(); // ids to draw
  #unseen = new Set(); // ids to draw that were out of sight
  #frame = 0;
  #timer = 0; // asks for a frame later
  #next = 0; // when the pace allows the next frame

  // tiles and sections are the board's, by id and by name. painted() is called
  // at the end of each frame.
  constructor(model, clock, tiles, sections, painted) {
    this.#model = model;
    this.#clock = clock;
    this.#tiles = tiles;
    this.#sections = sections;
    this.#painted = painted;
    addEventListener("scroll", () => this.shift(), { passive: true });
  }

  // mark makes a tile one to draw.
  mark(id) {
    if (!this.#unseen.has(id)) this.#fresh.add(id);
  }

  // ask asks for a frame.
  ask() {
    this.#frame ||= requestAnimationFrame(() => {
      const start = performance.now();
      this.paint();
      setTimeout(() => { this.#next = start + Math.min((performance.now() - start) / SHARE, PACE_MOST); }); // the frame is shown by then
    });
  }

  // askInTime asks for a frame in so many milliseconds, or when the pace allows one.
  askInTime(wait = 0) {
    if (this.#frame) return;
    clearTimeout(this.#timer);
    const rest = Math.max(wait, this.#next - performance.now());
    if (rest > 0) this.#timer = setTimeout(() => this.askInTime(), rest);
    else this.ask();
  }

  // shift tells that other tiles may be in sight now.
  shift() {
    if (this.#unseen.size === 0) return;
    for (const id of this.#unseen) this.#fresh.add(id);
    this.#unseen.clear();
    this.ask();
  }

  forget(id) {
    this.#coloured.delete(id);
  }

  paint() {
    cancelAnimationFrame(this.#frame); // asked for, when a layout paints at once
    clearTimeout(this.#timer);
    this.#frame = 0;
    this.#sight();
    const wait = this.#drawAll(this.#fresh, DRAW_FOR);
    this.#drawAll(this.#unseen, REST_FOR);
    this.#painted();
    if (wait === 0) this.ask();
    else if (this.#fresh.size + this.#unseen.size > 0) this.askInTime(Math.min(wait, REST_EVERY));
  }

  // #sight finds what is out of sight. It measures before anything is written,
  // so that no layout is forced; nor is one of a section that the browser skips.
  #sight() {
    const sections = new Map();
    for (const id of this.#fresh) {
      const element = this.#tiles.get(id)?.element, section = this.#sections.get(this.#model.tiles.get(id)?.set)?.element;
      if (!element || !section || element.hidden) continue;
      if (!sections.has(section)) sections.set(section, inSight(section));
      if (sections.get(section) && inSight(element)) continue;
      this.#fresh.delete(id);
      this.#unseen.add(id);
    }
  }

  // #drawAll draws tiles for so many milliseconds. It gives in how many the next
  // are to be drawn: 0 when time was short, and later for one whose colour has
  // changed just before.
  #drawAll(ids, most) {
    const now = this.#clock.known(), start = performance.now();
    let wait = Infinity;
    for (const id of ids) {
      const at = performance.now();
      if (at - start > most) return 0;
      const data = this.#model.tiles.get(id), tile = this.#tiles.get(id);
      if (data && tile && !tile.element.hidden && standing(data) !== tile.status) {
        if (at - (this.#coloured.get(id) ?? -Infinity) < COLOUR_HOLD) { wait = COLOUR_HOLD / 2; continue; }
        this.#coloured.set(id, at);
      }
      if (data && tile) this.draw(tile, data, now);
      ids.delete(id);
    }
    return wait;
  }

  // draw draws a tile; one that is hidden is drawn when it is shown.
  draw(tile, data, now) {
    if (!tile.element.hidden) tile.update(face(data, now));
    tile.changesAt = tile.element.hidden ? Infinity : changesAt(data, now);
  }
}

function inSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > -MARGIN && top < innerHeight + MARGIN;
}
