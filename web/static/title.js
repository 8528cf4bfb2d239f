// The window's title and icon carry the worst status, for boards in a tab in
// the background.

import { WORST_FIRST, isProblem, sign } from "./status.js";
import { worst } from "./model.js";

const NAME = "Pharos";

export class Title {
  #icon = document.getElementById("favicon");
  #shown = "";

  show(counts, lost) {
    const title = lost ? `STALE ${NAME}` : titleOf(counts);
    const icon = lost || counts.total === 0 ? "stale" : worst(counts);
    if (this.#shown === title + icon) return;
    this.#shown = title + icon;
    document.title = title;
    this.#icon.href = `static/icons/${icon}.svg`;
  }
}

// titleOf writes "(1■ 2▲) Pharos", and "Pharos" when nothing is wrong.
export function titleOf(counts) {
  const parts = WORST_FIRST.filter((status) => isProblem(status) && counts[status] > 0)
    .map((status) => counts[status] + sign(status));
  return parts.length ? `(${parts.join(" ")}) ${NAME}` : NAME;
}
