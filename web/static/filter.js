// What is shown of the board: ?set= narrows it for good, the search and
// "problems only" for a look.

import { inTrouble } from "./status.js";
import { isStale } from "./face.js";

// scope is the predicate of ?set=: no set named takes all. A set is named as
// on the board, whatever its case.
export function scope(sets) {
  if (sets.length === 0) return () => true;
  const names = new Set(sets.map((name) => name.toLowerCase()));
  return (tile) => names.has(tile.set.toLowerCase());
}

// matcher is the predicate of a search: every word must be found in the name,
// the set, the id or the status; is:critical, is:problem, is:stale, is:shadow and
// set:name are exact about what they look at.
export function matcher(query) {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map(test);
  return (tile, now) => tests.every((f) => f(tile, now));
}

function test(word) {
  const [, key, rest] = /^(is|set):(.*)$/.exec(word) ?? [];
  if (key === "is" && rest === "problem") return inTrouble;
  if (key === "is" && rest === "shadow") return (tile) => Boolean(tile.shadow);
  if (key === "is" && rest === "stale") return isStale;
  if (key === "is") return (tile) => tile.status.startsWith(rest);
  if (key === "set") return (tile) => tile.set.toLowerCase().replaceAll(" ", "_").includes(rest.replaceAll(" ", "_"));
  return (tile) => `${tile.name}\n${tile.set}\n${tile.id}\n${tile.status}`.toLowerCase().includes(word);
}
