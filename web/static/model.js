// The board as data: what the stream said, and what follows from it. Pure: no
// page, no clock of its own, no network.

import { WORST_FIRST, inTrouble, rank, standing } from "./status.js";
import { isStale } from "./face.js";

export class Model {
  tiles = new Map(); // id -> tile
  sets = []; // [{name, ids, note, problem}] in the order of the board
  moves = []; // what the last snapshot changed in sets: [{name, added, removed, problem}]
  config = { generation: 0, loaded_at: 0, error: null };
  lag = { missed: 0, late: false };
  host = "";
  pageTag = "";
  rev = 0;

  // board takes a whole snapshot in. It replaces everything, whatever its rev:
  // a restarted server counts from 1 again. Returns the transitions that it
  // shows against what was known before.
  board(data) {
    const before = this.tiles, sets = this.sets;
    this.tiles = new Map();
    this.sets = (data.sets ?? []).map((set) => {
      for (const tile of set.tiles) this.tiles.set(tile.id, tile);
      return { name: set.name, ids: set.tiles.map((tile) => tile.id), note: set.note ?? "", problem: set.problem ?? "" };
    });
    this.moves = moves(sets, this.sets);
    this.rev = data.rev;
    this.host = data.host;
    this.pageTag = data.page_tag;
    if (data.config) this.config = data.config;
    if (data.lag) this.lag = data.lag;
    return [...this.tiles.values()].flatMap((tile) => transition(before.get(tile.id), tile));
  }

  // update takes the latest state of some tiles in. Tiles of an unknown id are
  // left: the board event that brings them is on its way.
  update(data) {
    const changed = [], transitions = [];
    for (const tile of data.tiles ?? []) {
      const before = this.tiles.get(tile.id);
      if (!before) continue;
      this.tiles.set(tile.id, tile);
      changed.push(tile.id);
      transitions.push(...transition(before, tile));
    }
    this.rev = data.rev;
    return { changed, transitions };
  }

  beat(data) {
    if (data.lag) this.lag = data.lag;
  }

  configured(config) {
    this.config = config;
  }

  // counts says how many of the tiles that scope takes have each status, and
  // how many are stale or in the shadow of another's trouble.
  counts(now, scope = everything) {
    const counts = { stale: 0, shadow: 0, total: 0 };
    for (const status of WORST_FIRST) counts[status] = 0;
    for (const tile of this.tiles.values()) {
      if (!scope(tile)) continue;
      counts[standing(tile)]++;
      counts.total++;
      if (isStale(tile, now)) counts.stale++;
    }
    return counts;
  }

  // problems lists the tiles to look at, worst first, the longest-standing
  // first among equals; stale ones last.
  problems(now, scope = everything) {
    const found = [];
    for (const tile of this.tiles.values()) {
      if (scope(tile) && (inTrouble(tile) || isStale(tile, now))) found.push(tile);
    }
    return found.sort((a, b) => rank(b.status) - rank(a.status) || a.since - b.since);
  }
}

// worst is the worst status that a counts has any of; "pending" of an empty one.
export function worst(counts) {
  return WORST_FIRST.find((status) => counts[status] > 0) ?? "pending";
}

const everything = () => true;

// moves tells which sets have other members than before, or a new problem.
function moves(before, after) {
  const old = new Map(before.map((set) => [set.name, set]));
  return after.flatMap(({ name, ids, problem }) => {
    const was = old.get(name);
    if (!was) return [];
    const had = new Set(was.ids), has = new Set(ids);
    const added = ids.filter((id) => !had.has(id)).length, removed = was.ids.filter((id) => !has.has(id)).length;
    const trouble = problem !== was.problem ? problem : "";
    return added || removed || trouble ? [{ name, added, removed, problem: trouble }] : [];
  });
}

// transition: what goes into the shadow, or changes there, is no news; what
// comes out of it in trouble is.
function transition(before, tile) {
  if (!before || tile.shadow) return [];
  const from = before.shadow && inTrouble(tile) ? "shadow" : before.status;
  return from === tile.status ? [] : [{ tile, from, to: tile.status }];
}
