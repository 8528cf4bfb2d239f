// Where the sets of a wall stand: in shelves from the top down, each of one set
// or of several side by side, so that the tiles are the largest at which all
// fits.

// A tile in em of its own text, as tile.css draws it: full, and with only its
// name, value and status.
const FULL = { width: 12.5, height: 7.9 };
const SMALL = { width: 10.5, height: 3.3 };
const GAP = 0.5, HEADING = 1.7; // em
const STRETCH = 1.45; // a tile may be this much taller than it needs to be
const BESIDE = 20; // sets on a shelf, at most: more are seldom of use, and cost time
const COLUMNS = 60; // at most
const LINE = 2; // em, for the line that tells of the sets that are left out
const NAMED = 0.85; // of the tiles' size is what whole names of sets may leave

// Text that can be read across a room, in CSS pixels: where a tile's would be
// smaller, well tiles are folded.
export const LEGIBLE = 14;

// folded is how many places the tiles of a folded set take: its problems, and
// one for the count of the others where no heading has room for it, or where
// nothing else would be below the heading.
const folded = ({ name, problems }) => (name === "" ? problems + 1 : Math.max(problems, 1));

// magnitude is alike for sets of like size: each is half as much again.
const magnitude = ({ shown }) => Math.floor(Math.log(shown) / Math.log(1.5));

// letters is how many of a set's name have room above a tile so wide, in pixels,
// beside the counts, where a heading is at most so high: kiosk.css sets it at 0.8
// of the tiles' text, a letter is some 0.8 of its own text wide, and it is 2.05
// of that high.
function letters(width, size, heading) {
  return (width / Math.min(0.8 * size, heading / 2.05) - 4) / 0.8;
}

// plan finds the largest text size, in pixels, at which sets (each {name,
// shown, problems, recovered, told}: how many tiles, and whether the heading has
// something to say also without one) fit into width x height: {columns, size, row,
// small, traced: whether what recovered just now is shown also where a set is
// folded, folded: names of the sets whose well tiles become a count, left: of those
// that are left out, of folded too, places: for each
// set the column where it starts, and how many it spans; drop: 1 for one without
// a name whose tiles are in line with those below headings}. A heading is at most
// so many pixels high: what that saves goes to the rows.
export function plan(sets, width, height, legible = LEGIBLE, heading = Infinity) {
  // A trace of what is over takes no room from what is not.
  const traced = arranged(sets.map((set) => ({ ...set, problems: set.problems + (set.recovered ?? 0) })), width, height, legible, heading);
  if (traced.fits || !sets.some((set) => set.recovered)) return { ...traced, traced: true };
  return { ...arranged(sets, width, height, legible, heading), traced: false };
}

function arranged(sets, width, height, legible, heading) {
  // The largest sets are folded first, and those of like size together: by their
  // size and not by how they are, so that what is folded stays folded.
  const foldable = sets.filter((set) => set.shown > folded(set));
  const steps = [...new Set(foldable.map(magnitude))].sort((a, b) => b - a);
  const attempt = (step, named) => {
    const names = new Set(foldable.filter((set) => magnitude(set) >= (steps[step - 1] ?? Infinity)).map((set) => set.name));
    const counts = sets.map((set) => (names.has(set.name) ? folded(set) : set.shown));
    const full = fit(counts, sets, width, height, FULL, heading, named);
    if (full.size >= legible) return { ...full, counts, fits: true, small: false, folded: names, left: new Set() };
    const small = fit(counts, sets, width, height, SMALL, heading, named);
    return { ...small, counts, fits: small.size >= legible, small: true, folded: names, left: new Set() };
  };
  let low = 0, high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (attempt(middle).fits) high = middle;
    else low = middle + 1;
  }
  const best = attempt(low, false), named = attempt(low, true);
  if (best.fits) return named.small === best.small && named.size >= Math.max(legible, NAMED * best.size) ? named : best;
  // Only problems are left, and counts of sets that are well: of those as many as
  // there is room for. Problems that are too many for one screen are scrolled.
  const columns = Math.max(1, Math.floor((width / legible + GAP) / (SMALL.width + GAP)));
  const well = sets.filter((set) => set.problems === 0 && !set.told);
  const without = (n) => {
    const left = new Set(well.slice(well.length - n).map((set) => set.name));
    const counts = sets.map(({ name }, i) => (left.has(name) ? 0 : best.counts[i]));
    const { tall, places } = shelves(counts, sets, columns, SMALL, Infinity);
    return { left, counts, places, fits: tall * legible <= height - (n && LINE * legible) };
  };
  let few = 0, many = well.length;
  while (few < many) {
    const middle = (few + many) >> 1;
    if (without(middle).fits) many = middle;
    else few = middle + 1;
  }
  const { left, counts, places, fits } = without(few);
  return { columns, size: legible, row: legible * SMALL.height, fits, small: true, counts, folded: new Set([...best.folded, ...left]), left, places };
}

function fit(counts, sets, width, height, tile, heading, named) {
  const most = Math.max(1, counts.reduce((a, b) => a + b, 0));
  let best = { size: 0 };
  for (let columns = 1; columns <= Math.min(most, COLUMNS); columns++) {
    const wide = width / (columns * (tile.width + GAP) - GAP);
    if (wide <= best.size) break; // it only gets narrower
    const { tall, rows, headings, places } = shelves(counts, sets, columns, tile, named ? letters(width / columns, wide, heading) : Infinity);
    const size = Math.min(wide, height / tall);
    if (size > best.size) {
      const saved = headings * Math.max(0, HEADING * size - heading);
      const row = (height + saved - size * (tall - rows * tile.height)) / Math.max(1, rows);
      best = { columns, size, row: Math.min(row, size * tile.height * STRETCH), places };
    }
  }
  return best;
}

// shelves puts sets of so many tiles each, in their order, on the shelves that
// are the least tall together: {tall, in em; rows of tiles; headings, one above
// the other; places}. Sets share
// a shelf of several rows where that saves a row, not to save a heading: sets of
// one size look alike. One whose name has more letters than have room above a
// tile takes two places.
function shelves(counts, sets, columns, tile, letters) {
  const least = sets.map(({ name }) => (name.length > letters && columns > 1 ? 2 : 1));
  const span = (k, high) => Math.max(Math.ceil(counts[k] / high), least[k]);
  const seen = sets.map((_, i) => i).filter((i) => counts[i] > 0 || sets[i].told);
  const best = Array(seen.length); // the best shelves for the sets from there on
  best.push({ cost: 0, tall: 0, rows: 0, headings: 0 });
  for (let i = seen.length - 1; i >= 0; i--) {
    best[i] = { cost: Infinity };
    const take = (n, high, headed, shared) => {
      const rest = best[i + n], tall = headed + high * tile.height + Math.max(1, high) * GAP, cost = tall + shared + rest.cost;
      if (cost < best[i].cost) best[i] = { n, high, headed, cost, tall: tall + rest.tall, rows: high + rest.rows, headings: (headed && 1) + rest.headings };
    };
    if (counts[seen[i]] === 0) take(1, 0, HEADING, 0); // its heading alone
    let high = 1, headed = 0, used = 0, needed = 0;
    for (let end = i; end < seen.length && end - i < BESIDE && counts[seen[end]] > 0; end++) {
      needed += least[seen[end]];
      if (needed > columns) break;
      used += span(seen[end], high);
      while (used > columns) {
        high++;
        used = 0;
        for (let k = i; k <= end; k++) used += span(seen[k], high);
      }
      if (sets[seen[end]].name !== "") headed = HEADING;
      take(end - i + 1, high, headed, end > i ? (high - 1) * HEADING : 0);
    }
  }
  const places = [];
  for (let i = 0; i < seen.length; i += best[i].n) {
    const { n, high, headed } = best[i];
    let start = 1;
    for (const k of seen.slice(i, i + n)) {
      const wide = high === 0 ? columns : Math.min(span(k, n === 1 ? 1 : high), columns);
      places[k] = { start, span: wide, drop: headed && n > 1 ? 1 : 0 };
      start += wide;
    }
  }
  return { tall: best[0].tall, rows: best[0].rows, headings: best[0].headings, places };
}
