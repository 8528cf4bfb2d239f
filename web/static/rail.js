// The problems rail: worst first, in a line of its own that is always there,
// so that a problem moves nothing on the board. It lists as many as there is
// room for, and how many more there are.

import { isStale, lasted, why } from "./face.js";
import { settle } from "./settle.js";
import { standing } from "./status.js";
import { text } from "./text.js";
import { oneLine } from "./words.js";

// As page.css draws it, in rem: a problem is at least so wide, with so much
// between two; the mark of those left out takes so much, its gap included.
const LEAST = 15, GAP = 0.5, MORE = 4.9;
const FIRST = 8; // listed before the room for them is known, as the server does
const MOST = 60; // in a list that is as long as it likes, on a phone

export class Rail {
  #root = document.getElementById("rail");
  #list = this.#root.querySelector("ol");
  #count = document.getElementById("rail-count");
  #well = document.getElementById("rail-well");
  #more = document.getElementById("rail-more");
  #template = document.getElementById("problem-template");
  #items = new Map(); // id -> item
  #room = null; // {width in rem, lines} of the list, without the mark

  // resized() is called when there is another room for problems.
  constructor(resized) {
    this.#list.replaceChildren(); // the first paint's, drawn by the server
    new ResizeObserver(([{ contentRect }]) => {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      const width = contentRect.width / rem + (this.#more.hidden ? 0 : MORE);
      const lines = Number(getComputedStyle(this.#root).getPropertyValue("--lines")) || 1;
      if (lines === this.#room?.lines && Math.abs(width - this.#room.width) < 0.1) return;
      this.#room = { width, lines };
      resized();
    }).observe(this.#list);
  }

  // #listed is how many of n problems are listed.
  #listed(n) {
    if (!this.#room) return Math.min(n, FIRST);
    const { width, lines } = this.#room;
    const hold = (width) => Math.min(MOST, lines * Math.max(1, Math.floor((width + GAP) / (LEAST + GAP))));
    return n <= hold(width) ? n : hold(width - MORE);
  }

  // show lists problems; total is how many tiles there are in all.
  show(problems, total, now) {
    this.#root.classList.toggle("-quiet", problems.length === 0);
    text(this.#well, total === 0 ? "nothing is watched" : total === 1 ? "none · all as it should be" : `none · all ${total} as they should be`);
    text(this.#count, problems.length ? String(problems.length) : "");
    const listed = problems.slice(0, this.#listed(problems.length)), ids = new Set(listed.map((tile) => tile.id));
    for (const [id, { element }] of this.#items) if (!ids.has(id)) { element.remove(); this.#items.delete(id); }
    let place = this.#list.firstElementChild;
    for (const tile of listed) {
      const item = this.#items.get(tile.id) ?? this.#item(tile.id);
      place = settle(this.#list, item.element, place);
      fill(item, tile, now);
    }
    const more = this.#room ? problems.length - listed.length : 0;
    text(this.#more, more ? `+${more}` : "");
    this.#more.ariaLabel = `${more} more problems`;
    this.#more.hidden = more === 0;
  }

  #item(id) {
    const element = this.#template.content.firstElementChild.cloneNode(true), link = element.firstElementChild;
    link.setAttribute("href", `#/${encodeURIComponent(id)}`);
    const find = (name) => element.querySelector(`.${name}`);
    const item = { element, name: find("name"), word: find("word"), value: find("value"), why: find("why"), lasted: find("lasted") };
    this.#items.set(id, item);
    return item;
  }
}

function fill(item, tile, now) {
  const stale = isStale(tile, now);
  const classes = `problem -${standing(tile)}${stale ? " -stale" : ""}`;
  if (item.element.className !== classes) item.element.className = classes;
  text(item.name, tile.name);
  text(item.word, stale ? "stale" : tile.status);
  text(item.value, oneLine(`${tile.value} ${tile.unit}`, 40));
  text(item.why, why(tile, stale)); // the reason first: there is seldom room for both
  text(item.lasted, lasted(tile, stale, now));
}
