// The line of a watcher's times in its detail: since when, how long, when next.

import { count, short, span } from "./words.js";

export function times(tile, now) {
  if (tile.events) return streamed(tile, now);
  const list = [`${tile.status} for ${tile.since_approx ? "~" : ""}${span(now - tile.since)}`];
  if (tile.ended) list.push(`last run ${short(Math.max(0, now - tile.ended))} ago`, `took ${short(tile.elapsed)}`);
  if (tile.running) list.push("running");
  else if (tile.next) list.push(tile.next > now ? `next in ${short(tile.next - now)}` : "next is due");
  list.push(count(tile.runs, "run"));
  if (tile.missed) list.push(`${tile.missed} missed`);
  return list.join(" · ");
}

// streamed tells of the stream that sets the tile.
function streamed({ events, ended, status, since, since_approx }, now) {
  const list = [`${status} for ${since_approx ? "~" : ""}${span(now - since)}`];
  if (events.up) list.push("stream open");
  else list.push(events.retry ? `opened again in ${short(Math.max(0, events.retry - now))}` : "opening the stream");
  if (ended && events.count) list.push(`last event ${short(Math.max(0, now - ended))} ago`);
  list.push(count(events.count, "event"));
  if (events.dropped) list.push(`${events.dropped} dropped`);
  if (events.restarts) list.push(count(events.restarts, "restart"));
  return list.join(" · ");
}
