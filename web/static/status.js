// The one table of statuses: rank (worst highest) and the sign that stands for
// one in plain text.

const STATUSES = {
  critical: { rank: 4, sign: "■" },
  unknown: { rank: 3, sign: "◆" },
  warning: { rank: 2, sign: "▲" },
  ok: { rank: 1, sign: "●" },
  pending: { rank: 0, sign: "◌" },
};

// Worst first; the order of everything that lists statuses.
export const WORST_FIRST = Object.keys(STATUSES);

export const rank = (status) => STATUSES[status]?.rank ?? 0;
export const sign = (status) => STATUSES[status]?.sign ?? "?";

// A problem is a status to look at.
export const isProblem = (status) => rank(status) >= STATUSES.warning.rank;

// What a tile counts as: its status, or "shadow" where the trouble of another
// one explains it. inTrouble is a problem of the tile's own.
export const standing = (tile) => (tile.shadow ? "shadow" : tile.status);
export const inTrouble = (tile) => isProblem(tile.status) && !tile.shadow;
