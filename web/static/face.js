// What a tile shows, worked out from its data and the time: plain strings and
// nothing of the page, so that it can be tested by itself. web/face.go draws
// the same faces for the first paint.

import { isProblem, standing } from "./status.js";
import { many, oneLine, short, span } from "./words.js";

const TRAIL_LENGTH = 60;
const AFTERGLOW = 60; // seconds
const GLOW_STEPS = 6;
const LONG_NAMES = [10, 14, 16, 18, 21, 24, 32]; // characters: each step longer needs a wider tile
const LONG_REASONS = [22, 30, 40]; // as names
const BLIP_WINDOW = 300; // seconds
// A result may be this much older than its ttl before the page, which sees it
// through a network, calls it stale by itself.
const STALE_SLACK = 1;

// staleAt is when the tile's last result, or before the first one its beginning,
// will be older than the watcher's ttl: never without one, nor while the stream
// that sets it is down, for that it is down is news.
function staleAt(tile) {
  if (!tile.ttl || (tile.events && !tile.events.up)) return Infinity;
  return (tile.ended ?? tile.since) + tile.ttl + STALE_SLACK;
}

// isStale holds from then on, and whenever the server says so.
export function isStale(tile, now) {
  return tile.stale || now > staleAt(tile);
}

// glow gives the classes of a tile that recovered in the last minute: how
// fresh that is, and the worst of what it recovered from.
export function glow(tile, now) {
  const age = now - (tile.recovered ?? tile.since);
  if (!tile.was || !(age < AFTERGLOW)) return "";
  const step = Math.max(1, Math.ceil(GLOW_STEPS * (1 - Math.max(0, age) / AFTERGLOW)));
  return `-glow${step} -from-${tile.was}`;
}

// blips counts the times in the last five minutes that the watcher left ok.
export function blips(tile, now) {
  let n = 0;
  for (const at of tile.blips ?? []) if (now - at <= BLIP_WINDOW) n++;
  return n;
}

// trailPaths draws a trail as one path for each letter, in a box of 60 x 10:
// newest at the right edge, worse is taller. A stretch of equal runs is one
// line, cut into cells by the stylesheet's dashes.
const LEVEL = { o: 7.5, w: 6.25, c: 5, u: 6.25 };
export function trailPaths(trail) {
  const paths = { o: "", w: "", c: "", u: "" };
  const cells = trail.slice(-TRAIL_LENGTH);
  const left = TRAIL_LENGTH - cells.length;
  for (let i = 0; i < cells.length; ) {
    let end = i + 1;
    while (end < cells.length && cells[end] === cells[i]) end++;
    if (cells[i] in LEVEL) paths[cells[i]] += `M${left + i} ${LEVEL[cells[i]]}h${end - i}`;
    i = end;
  }
  return paths;
}

// slowest names the phase that took longest: {index, name, seconds, total}, or null
// for a run that was not timed.
export function slowest(timing) {
  if (!timing?.length) return null;
  let total = 0, index = 0;
  timing.forEach(([, seconds], i) => {
    total += seconds;
    if (seconds > timing[index][1]) index = i;
  });
  return total > 0 ? { index, name: timing[index][0], seconds: timing[index][1], total } : null;
}

// blamePaths draws the phases as one bar of 100 x 4: the slow one in a path of
// its own, the others by turns in two shades.
export function blamePaths(timing) {
  const slow = slowest(timing);
  const paths = { even: "", odd: "", slow: "" };
  if (!slow) return paths;
  let x = 0;
  timing.forEach(([, seconds], i) => {
    const width = (100 * seconds) / slow.total;
    const key = i === slow.index ? "slow" : i % 2 ? "odd" : "even";
    if (width >= 0.5) paths[key] += `M${x.toFixed(1)} 2h${Math.max(0.5, width - 0.6).toFixed(1)}`;
    x += width;
  });
  return paths;
}

// valueSize tells how large a value can be set: 0 (short) to 3 (long).
export function valueSize(value, unit) {
  const n = Array.from(value).length + Array.from(unit).length / 2;
  return n <= 5 ? 0 : n <= 9 ? 1 : n <= 15 ? 2 : 3;
}

// lengths gives the classes of a name and a reason that need more room than the
// shortest: how much, and whether the name is one word, as a host's, that may
// break anywhere.
function lengths(name, reason) {
  const longer = (text, steps) => steps.filter((most) => Array.from(text).length > most).length;
  const named = longer(name, LONG_NAMES), told = longer(reason, LONG_REASONS);
  return (named ? ` -name${named - 1}${name.includes(" ") ? "" : " -word"}` : "") + (told ? ` -why${told}` : "");
}

// amount parts the unit from a value that has it written in it, "5.3 minutes":
// the number is what is read from afar.
const WITH_UNIT = /^([+-]?\d[\d.,]*) (\S{1,8})$/;
export function amount(tile) {
  const value = oneLine(tile.value, 80), unit = oneLine(tile.unit, 16), parts = WITH_UNIT.exec(value);
  return parts && !unit ? { value: parts[1], unit: parts[2] } : { value, unit };
}

// DOING is the start of a primitive's error, getting "http://shop.example/": the
// tile's name says that already, and there is no room beside it for the reason.
const DOING = /^[a-z]+ing (?:[^"]*"(?:[^"\\]|\\.)*")+?: /;

// why is the line under the status: what failed, or which phase was slow where
// the value is a time, or the detail of what is not ok.
export function why(tile, stale) {
  if (stale && tile.events) return `was ${tile.status}; no event`;
  if (stale) return tile.ended ? `was ${tile.status}; no new result` : "no result yet";
  if (tile.shadow) return `in the shadow of ${tile.shadow}`;
  if (tile.status === "pending" && tile.events) return oneLine(tile.detail) || "opening its stream";
  if (tile.status === "pending") return "waiting for its first result";
  if (!isProblem(tile.status) && !tile.confirming) return blame(tile);
  const error = tile.error;
  if (error?.message) {
    const place = error.file && !error.message.includes(error.file) ? `${error.file}:${error.line}: ` : "";
    return oneLine(place + error.message.replace(DOING, ""));
  }
  return (isTime(tile) && blame(tile)) || oneLine(tile.detail) || blame(tile);
}

// isTime holds when the tile's value is the time that its phases add up to:
// then the slow phase is the reason, and else the detail tells more.
function isTime(tile) {
  const slow = slowest(tile.timing);
  return slow !== null && tile.value !== "" && Math.abs(Number(tile.value) - slow.total) <= 0.05 * slow.total + 0.0001;
}

// blame names the slow phase in words, "wait 962 ms of 1.20 s"; without the sum
// where that is the tile's value, or says the same.
function blame(tile) {
  const slow = slowest(tile.timing);
  if (!slow) return "";
  const part = short(slow.seconds), sum = short(slow.total);
  return `${slow.name} ${part}${part === sum || isTime(tile) ? "" : ` of ${sum}`}`;
}

// note is the small remark at the end of the status line.
export function note(tile, now) {
  if (tile.late) return `late, ${many(tile.missed)} missed`;
  if (tile.confirming) return `${tile.confirming.status} ${tile.confirming.seen}/${tile.confirming.needed}`;
  const { retry, dropped, lost } = tile.events ?? {};
  if (retry) return "restarting";
  if (dropped && now - lost <= BLIP_WINDOW) return `${many(dropped)} dropped`;
  const n = blips(tile, now);
  return n > 0 ? `${n} blip${n === 1 ? "" : "s"}` : "";
}

// lasted says how long it has been so; of a stale tile, how long there was no news.
export function lasted(tile, stale, now) {
  if (stale) return span(now - (tile.ended ?? tile.since));
  return `${tile.since_approx ? "~" : ""}${span(now - tile.since)}`;
}

// changesAt is when time alone next changes a tile's face: its duration in
// words, a step of its afterglow, a blip that drops out, going stale.
export function changesAt(tile, now) {
  const stale = isStale(tile, now);
  const from = stale ? (tile.ended ?? tile.since) : tile.since;
  const age = now - from;
  const unit = age < 3600 ? 60 : age < 86400 ? 3600 : 86400;
  let at = from + Math.max(unit, (Math.floor(age / unit) + 1) * unit);
  if (!stale) at = Math.min(at, staleAt(tile));
  if (tile.was && now - (tile.recovered ?? tile.since) < AFTERGLOW) at = Math.min(at, now + AFTERGLOW / GLOW_STEPS / 2);
  const lost = tile.events?.lost ?? 0;
  for (const blip of [lost, ...(tile.blips ?? [])]) if (blip + BLIP_WINDOW > now) at = Math.min(at, blip + BLIP_WINDOW);
  return at;
}

// face is everything a tile shows.
export function face(tile, now) {
  const stale = isStale(tile, now);
  const { value, unit } = amount(tile), reason = why(tile, stale);
  return {
    status: standing(tile), // what it is drawn as
    stale,
    glow: glow(tile, now),
    size: valueSize(value, unit),
    name: tile.name,
    long: lengths(tile.name, reason),
    value: value || "–",
    unit,
    word: stale ? "stale" : tile.status,
    lasted: lasted(tile, stale, now),
    note: note(tile, now),
    why: reason,
    trail: trailPaths(tile.trail),
    blame: blamePaths(tile.timing),
    cells: tile.cells ?? [],
  };
}
