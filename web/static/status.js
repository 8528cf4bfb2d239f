// The one table of statuses: rank (worst highest) and the sign that stands for
// one in plain text.

export const STATUSES = {
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
