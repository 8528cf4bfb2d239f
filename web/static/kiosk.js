// ?kiosk: an unattended wall. Everything fits the screen without scrolling, in
// the largest tiles at which it does; the pointer hides, the screen stays on.

import { LEGIBLE, plan } from "./plan.js";
import { text } from "./text.js";
import { count } from "./words.js";

const IDLE = 3000; // milliseconds

// What can be read across a room is a share of the screen's shorter side, too.
const LEGIBLE_SHARE = 0.011;

const HEADING = 2.05 * 1.3; // rem, at most, as kiosk.css draws it

// A picture that stands still for months burns into a screen: it wanders, a
// pixel a minute, too slowly to be seen.
const WANDER = 60000; // milliseconds
const AWAY = 4; // pixels at most, to each side and up; there is no room below

// wander says how far off its place the picture is after so many steps, [x, y]:
// to and fro, a line higher or lower each time.
export function wander(steps) {
  const across = 2 * AWAY;
  return [swing(steps + AWAY, across) - AWAY, -swing(Math.floor((steps + AWAY) / across), AWAY)];
}

// swing goes from 0 up to most and back, one a step.
const swing = (steps, most) => most - Math.abs(steps % (2 * most) - most);

export class Kiosk {
  #root = document.documentElement;
  #main = document.getElementById("board");
  #board;
  #rest = document.createElement("p");
  #last = "";

  constructor(board) {
    this.#board = board;
    this.#rest.className = "more-sets";
    this.#main.append(this.#rest);
    this.#idle();
    this.#wake();
    this.#wander();
  }

  // layout fits sets (as for plan) into what the window leaves the board;
  // true when what is folded has changed.
  layout(sets) {
    const style = getComputedStyle(this.#main);
    const width = this.#main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = innerHeight - this.#main.offsetTop - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const key = JSON.stringify([sets, width, height]);
    if (key === this.#last) return false;
    this.#last = key;
    const legible = Math.max(LEGIBLE, LEGIBLE_SHARE * Math.min(innerWidth, innerHeight));
    const heading = HEADING * parseFloat(getComputedStyle(this.#root).fontSize);
    const planned = plan(sets, width, height, legible, heading), { columns, size, row, small, left, places } = planned;
    this.#root.classList.toggle("-small", small);
    const set = (name, value) => this.#main.style.setProperty(name, value);
    set("--columns", columns);
    set("--size", `${Math.floor(size * 10) / 10}px`);
    set("--row", `${Math.floor(row)}px`);
    sets.forEach(({ name }, i) => {
      const { style } = this.#board.section(name) ?? {};
      for (const [key, value] of Object.entries(places[i] ?? {})) style?.setProperty(`--${key}`, value);
    });
    this.#tell(sets.filter(({ name }) => left.has(name)));
    return this.#board.folds.fit(planned);
  }

  // tell says which sets, all well, have no room.
  #tell(sets) {
    text(this.#rest, sets.length ? `${count(sets.length, "more set")}: ${sets.reduce((sum, { shown }) => sum + shown, 0)} well` : "");
    this.#rest.hidden = sets.length === 0;
  }

  #idle() {
    let timer = 0;
    const moved = () => {
      this.#root.classList.remove("-idle");
      clearTimeout(timer);
      timer = setTimeout(() => this.#root.classList.add("-idle"), IDLE);
    };
    addEventListener("pointermove", moved);
    moved();
  }

  #wander() {
    let steps = 0;
    setInterval(() => {
      const [x, y] = wander(++steps);
      this.#root.style.setProperty("--wander", `${x}px ${y}px`);
    }, WANDER);
  }

  // The screen's lock is lost whenever the page is hidden.
  #wake() {
    const ask = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => {});
    document.addEventListener("visibilitychange", ask);
    ask();
  }
}
