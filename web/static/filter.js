// What is shown of the board: ?set= narrows it for good, the search and
// "problems only" for a look.

import { inTrouble, standing } from "./status.js";
import { isStale } from "./face.js";

// plain makes texts comparable whatever their case, and however their accents
// are written: as one character or as two.
const plain = (text) => text.normalize("NFKC").toLowerCase();

// scope is the predicate of ?set=: no set named takes all. A set is named as
// on the board, whatever its case.
export function scope(sets) {
  if (sets.length === 0) return () => true;
  const names = new Set(sets.map(plain));
  return (tile) => names.has(plain(tile.set));
}

// missing gives the names that no set has: the address of a wall may outlive them.
export function missing(names, sets) {
  const known = new Set(sets.map((set) => plain(set.name)));
  return names.filter((name) => !known.has(plain(name)));
}

// matcher is the predicate of a search: every word must be found in the name,
// the set, the id or the status; is:critical, is:problem, is:stale, is:shadow and
// set:name are exact about what they look at, and take what the header counts.
export function matcher(query) {
  const words = plain(query).split(/\s+/).filter(Boolean), tests = words.map(test).filter(Boolean);
  const found = words.filter((word) => !test(word));
  return (tile, now) => tests.every((f) => f(tile, now)) && (found.length === 0 || holds(tile, found));
}

function holds(tile, words) {
  const text = plain(`${tile.name}\n${tile.set}\n${tile.id}\n${tile.status}`);
  return words.every((word) => text.includes(word));
}

// test is the predicate of a word that is exact; null of one to be found in a text.
function test(word) {
  const [, key, rest] = /^(is|set):(.*)$/.exec(word) ?? [];
  if (key === "is" && rest === "problem") return inTrouble;
  if (key === "is" && rest === "stale") return isStale;
  if (key === "is") return (tile) => standing(tile).startsWith(rest);
  if (key === "set") return (tile) => plain(tile.set).replaceAll(" ", "_").includes(rest.replaceAll(" ", "_"));
  return null;
}
