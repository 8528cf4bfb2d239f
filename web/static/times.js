// The times of a watcher in its detail: since when, how long, when next. They are
// in lines of their own, so that none wraps, and moves what is below, as one gets
// longer.

import { count, short, span } from "./words.js";

export function times(tile, now) {
  if (tile.events) return streamed(tile, now);
  const last = [], ahead = [];
  if (tile.ended) last.push(`last run ${short(Math.max(0, now - tile.ended))} ago`, `took ${short(tile.elapsed)}`);
  if (tile.running) ahead.push("running");
  else if (tile.next) ahead.push(tile.next > now ? `next in ${short(tile.next - now)}` : "next is due");
  ahead.push(count(tile.runs, "run"));
  if (tile.missed) ahead.push(`${tile.missed} missed`);
  return lines(lasting(tile, now), last, ahead);
}

// streamed tells of the stream that sets the tile.
function streamed(tile, now) {
  const { events, ended } = tile, stream = [], counts = [count(events.count, "event")];
  if (events.up) stream.push("stream open");
  else stream.push(events.retry ? `opened again in ${short(Math.max(0, events.retry - now))}` : "opening the stream");
  if (ended && events.count) stream.push(`last event ${short(Math.max(0, now - ended))} ago`);
  if (events.dropped) counts.push(`${events.dropped} dropped`);
  if (events.restarts) counts.push(count(events.restarts, "restart"));
  return lines(lasting(tile, now), stream, counts);
}

const lasting = ({ status, since, since_approx }, now) => [`${status} for ${since_approx ? "~" : ""}${span(now - since)}`];

const lines = (...lists) => lists.filter((list) => list.length).map((list) => list.join(" · ")).join("\n");
