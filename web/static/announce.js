// Tells screen readers of transitions, and of nothing else: one sentence for
// each, gathered for a second so that a storm is a summary and not a litany.

const GATHER = 1000; // milliseconds
const SINGLY = 4; // transitions told one by one

export class Announcer {
  #region = document.getElementById("announce");
  #waiting = [];
  #timer = 0;

  transitions(list) {
    if (list.length === 0) return;
    this.#waiting.push(...list);
    this.#timer ||= setTimeout(() => this.#speak(), GATHER);
  }

  say(text) {
    this.#region.textContent = text;
  }

  #speak() {
    this.say(sentence(this.#waiting));
    this.#waiting = [];
    this.#timer = 0;
  }
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
