// Tells screen readers of transitions, of tiles that come and go, and of nothing
// else: one sentence for each, gathered for a second so that a storm is a summary
// and not a litany.

import { count } from "./words.js";

const GATHER = 1000; // milliseconds
const SINGLY = 4; // transitions, or sets, told one by one

export class Announcer {
  #region = document.getElementById("announce");
  #waiting = [];
  #moves = [];
  #timer = 0;

  transitions(list) {
    if (list.length === 0) return;
    this.#waiting.push(...list);
    this.#timer ||= setTimeout(() => this.#speak(), GATHER);
  }

  moves(list) {
    if (list.length === 0) return;
    this.#moves.push(...list);
    this.#timer ||= setTimeout(() => this.#speak(), GATHER);
  }

  say(text) {
    this.#region.textContent = text;
  }

  #speak() {
    this.say([moved(this.#moves), sentence(this.#waiting)].filter(Boolean).join(" "));
    this.#waiting = [];
    this.#moves = [];
    this.#timer = 0;
  }
}

// moved puts in words which tiles came and went: set by set, or all at once.
export function moved(list) {
  const words = (n, what) => (n ? [`${n} ${n === 1 ? "tile" : "tiles"} ${what}`] : []);
  return (list.length > SINGLY ? [together(list)] : list)
    .map(({ name, added, removed, problem }) => {
      const parts = [...words(added, "added"), ...words(removed, "removed"), ...(problem ? [problem] : [])];
      return `${name || "Board"}: ${parts.join(", ")}.`;
    })
    .join(" ");
}

function together(list) {
  const sum = (key) => list.reduce((n, move) => n + move[key], 0);
  const sets = new Set(list.map(({ name }) => name)).size, problems = list.filter(({ problem }) => problem).length;
  return { name: count(sets, "set"), added: sum("added"), removed: sum("removed"), problem: problems ? `${problems} with a problem` : "" };
}

// sentence puts transitions in words.
export function sentence(list) {
  const last = new Map(list.map((t) => [t.tile.id, t]));
  const all = [...last.values()];
  if (all.length <= SINGLY) {
    return all.map(({ tile, to }) => `${tile.name} ${to}${tile.value ? `, ${tile.value} ${tile.unit}`.trimEnd() : ""}.`).join(" ");
  }
  const tally = {};
  for (const { to } of all) tally[to] = (tally[to] ?? 0) + 1;
  return `${all.length} watchers changed: ${Object.entries(tally).map(([to, n]) => `${n} ${to}`).join(", ")}.`;
}
