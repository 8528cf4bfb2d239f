// The one table of statuses: rank (worst highest), the letter that stands for
// one in a trail, and the sign that stands for one in plain text.

export const STATUSES = {
  critical: { rank: 4, letter: "c", sign: "■" },
  unknown: { rank: 3, letter: "u", sign: "◆" },
  warning: { rank: 2, letter: "w", sign: "▲" },
  ok: { rank: 1, letter: "o", sign: "●" },
  pending: { rank: 0, letter: "p", sign: "◌" },
};

// Worst first; the order of everything that lists statuses.
export const WORST_FIRST = Object.keys(STATUSES);

const BY_LETTER = Object.fromEntries(WORST_FIRST.map((word) => [STATUSES[word].letter, word]));

export const rank = (status) => STATUSES[status]?.rank ?? 0;
export const sign = (status) => STATUSES[status]?.sign ?? "?";
export const byLetter = (letter) => BY_LETTER[letter];

// A problem is a status to look at.
export const isProblem = (status) => rank(status) >= STATUSES.warning.rank;
