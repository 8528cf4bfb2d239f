// ?kiosk: an unattended wall. Everything fits the screen without scrolling, in
// the largest tiles at which it does; the pointer hides, the screen stays on.

// A tile in em of its own text, as tile.css draws it: full, and with only its
// name, value and status.
const FULL = { width: 12.5, height: 7.9 };
const SMALL = { width: 10.5, height: 3.3 };
const GAP = 0.5, HEADING = 1.9; // em
// A tile's text that can be read across a room, in CSS pixels and as a share of
// the screen's shorter side: below it, well tiles are folded.
const LEGIBLE = 14, LEGIBLE_SHARE = 0.011;
const STRETCH = 1.45; // a tile may be this much taller than it needs to be
const FOLD_COST = 1; // a folded set's count takes the place of one tile

const IDLE = 3000; // milliseconds

// A picture that stands still for months burns into a screen: it wanders, a
// pixel a minute, too slowly to be seen.
const WANDER = 60000; // milliseconds
const AWAY = 4; // pixels at most, to each side and up; there is no room below

// plan finds the largest text size, in pixels, at which sets (each {name,
// shown, problems, told}: how many tiles, and whether the heading has something
// to say also without one) fit into width x height: {columns, size, row, small,
// folded: names of the sets whose well tiles become a count}.
export function plan(sets, width, height, legible = LEGIBLE) {
  const full = fit(sets.map((s) => s.shown), sets, width, height, FULL);
  if (full.size >= legible) return { ...full, small: false, folded: new Set() };
  const small = fit(sets.map((s) => s.shown), sets, width, height, SMALL);
  if (small.size >= legible) return { ...small, small: true, folded: new Set() };
  // Fold the largest sets first, until the rest is legible: by their size and
  // not by how they are, so that what is folded stays folded.
  const folded = new Set();
  const order = [...sets].sort((a, b) => b.shown - a.shown);
  let best = small;
  for (const set of order) {
    if (set.shown === set.problems) continue;
    folded.add(set.name);
    const counts = sets.map((s) => drawn(s, folded));
    const roomy = fit(counts, sets, width, height, FULL);
    if (roomy.size >= legible) return { ...roomy, small: false, folded };
    best = fit(counts, sets, width, height, SMALL);
    if (best.size >= legible) return { ...best, small: true, folded };
  }
  // Only problems are left, and too many for one screen: legible, and scrolled.
  const columns = Math.max(1, Math.floor((width / legible + GAP) / (SMALL.width + GAP)));
  return { columns: Math.min(best.columns, columns), size: legible, row: legible * SMALL.height, small: true, folded };
}

// wander says how far off its place the picture is after so many steps, [x, y]:
// to and fro, a line higher or lower each time.
export function wander(steps) {
  const across = 2 * AWAY;
  return [swing(steps + AWAY, across) - AWAY, -swing(Math.floor((steps + AWAY) / across), AWAY)];
}

// swing goes from 0 up to most and back, one a step.
const swing = (steps, most) => most - Math.abs(steps % (2 * most) - most);

// drawn is how many tiles a set takes the place of.
function drawn({ name, shown, problems }, folded) {
  return folded.has(name) ? problems + (shown > problems ? FOLD_COST : 0) : shown;
}

function fit(counts, sets, width, height, tile) {
  let best = { columns: 1, size: 0, row: 0 };
  const most = Math.max(1, counts.reduce((a, b) => a + b, 0));
  for (let columns = 1; columns <= Math.min(most, 60); columns++) {
    const { rows, headings } = shelves(counts, sets, columns);
    const wide = width / (columns * (tile.width + GAP) - GAP);
    const high = height / (rows * (tile.height + GAP) + headings * HEADING);
    const size = Math.min(wide, high);
    if (size > best.size) {
      const row = (height - size * (rows * GAP + headings * HEADING)) / rows;
      best = { columns, size, row: Math.min(row, size * tile.height * STRETCH) };
    }
  }
  return best;
}

// shelves counts the rows that the grid's automatic placement makes: a set
// stands beside the one before it where it fits.
function shelves(counts, sets, columns) {
  let rows = 0, headings = 0, used = columns, tall = 0, named = false;
  counts.forEach((count, i) => {
    const alone = count === 0 && sets[i].told;
    if (count === 0 && !alone) return;
    const span = alone ? columns : Math.min(count, columns);
    if (used + span > columns) {
      rows += tall;
      headings += named ? 1 : 0;
      used = tall = 0;
      named = false;
    }
    used += span;
    if (alone) headings += GAP / HEADING; // no row of tiles has its gap below
    tall = Math.max(tall, Math.ceil(count / columns));
    named ||= sets[i].name !== "";
  });
  return { rows: Math.max(1, rows + tall), headings: headings + (named ? 1 : 0) };
}

export class Kiosk {
  #root = document.documentElement;
  #main = document.getElementById("board");
  #board;
  #last = "";

  constructor(board) {
    this.#board = board;
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
    const { columns, size, row, small, folded } = plan(sets, width, height, legible);
    this.#root.classList.toggle("-small", small);
    const set = (name, value) => this.#main.style.setProperty(name, value);
    set("--columns", columns);
    set("--size", `${Math.floor(size * 10) / 10}px`);
    set("--row", `${Math.floor(row)}px`);
    for (const s of sets) {
      const n = drawn(s, folded);
      this.#board.section(s.name)?.style.setProperty("--span", n === 0 ? columns : Math.min(n, columns));
    }
    const before = this.#board.folds.wall ?? new Set();
    const same = folded.size === before.size && [...folded].every((name) => before.has(name));
    this.#board.folds.wall = folded;
    return !same;
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
