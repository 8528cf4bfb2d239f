// Folding: the tiles of a set that are well become one count, which opens at a
// click. A wall folds what would be too small to read (kiosk.js), a desk what
// would be too much to draw. web/fold.go folds the first paint the same way.

const DRAWN_MOST = 4000; // tiles at a desk
const FEW = 24; // a desk folds no fewer

// crowded names the sets (each {name, ids}) that a desk folds: the largest,
// until the rest is no more than it draws, and all of one size alike. By their
// size and not by how they are, so that what is folded stays folded.
export function crowded(sets) {
  let drawn = sets.reduce((sum, set) => sum + set.ids.length, 0);
  let size = Infinity; // of the last one folded
  const folded = new Set();
  for (const { name, ids } of [...sets].sort((a, b) => b.ids.length - a.ids.length)) {
    if ((drawn <= DRAWN_MOST && ids.length < size) || ids.length <= FEW) break;
    folded.add(name);
    size = ids.length;
    drawn -= ids.length;
  }
  return folded;
}

// Folds knows which sets are folded, and which of them somebody has opened.
export class Folds {
  wall = null; // names of the sets that a wall folds; null at a desk
  left = new Set(); // names of those that have no place on a wall
  traced = true; // what recovered just now is shown, and not folded
  #crowded = new Set(); // names of those that a desk folds
  #opened = new Set();

  // take finds among all sets those that a desk folds.
  take(sets) {
    this.#crowded = crowded(sets);
  }

  // fit takes which sets a wall folds, which of them it leaves out, and whether
  // there is room for what recovered; true when that is not as before.
  fit({ folded, left, traced }) {
    const same = (a, b) => a.size === b.size && [...a].every((name) => b.has(name));
    const changed = !same(folded, this.wall ?? new Set()) || !same(left, this.left) || traced !== this.traced;
    this.wall = folded;
    this.left = left;
    this.traced = traced;
    return changed;
  }

  // toggle opens a set, or closes it again.
  toggle(name) {
    if (!this.#opened.delete(name)) this.#opened.add(name);
  }

  // of tells of a set, and of how many tiles in it are well, whether it has a
  // fold, and whether that is open: {folds, open}.
  of(name, well) {
    const folds = this.wall ? this.wall.has(name) && well > 0 : this.#crowded.has(name) && well > FEW;
    return { folds, open: folds && !this.wall && this.#opened.has(name) };
  }

  // headed tells whether a fold is told in the heading of the set, as a wall does
  // above problems, and for a set that has no place: plan.js has none for it then.
  headed(name, shown) {
    return this.wall !== null && ((name !== "" && shown > 0) || this.left.has(name));
  }
}

// label says how many tiles of which standing are folded, or could be:
// "193 well, 2 pending".
export function label({ ok, shadow, pending }, open) {
  const parts = [[ok, "well"], [shadow, "in shadow"], [pending, "pending"]].filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  return `${open ? "fold " : ""}${parts.join(", ")}`;
}
