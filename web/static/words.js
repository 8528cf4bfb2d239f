// Numbers and times as people read them. Times are Unix seconds, durations
// are seconds.

// span says how long something has lasted, in the words of the first Pharos:
// "a moment", "1 minute", "5 minutes", "2 hours", "1 day".
export function span(seconds) {
  if (!(seconds >= 60)) return "a moment";
  for (const [size, word] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) {
    const n = Math.floor(seconds / size);
    if (n >= 1) return n === 1 ? `1 ${word}` : `${n} ${word}s`;
  }
}

// short writes a measured duration with three digits: "4.0 ms", "962 ms", "1.20 s".
export function short(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 0.0005) return `${Math.max(0, Math.round(seconds * 1e6))} µs`;
  if (seconds < 0.00995) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return span(seconds);
}

// every writes a configured duration as it would be configured: "1 s", "250 ms", "1.5 s".
export function every(seconds) {
  if (seconds < 1) return `${+(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 120) return `${+seconds.toFixed(2)} s`;
  return `${+(seconds / 60).toFixed(1)} min`;
}

// stopwatch writes an age as "0:07", "12:40", "1:02:03".
export function stopwatch(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

// clock writes a time of day in the viewer's time zone, 24 hours: "14:32:07".
export function clock(unix) {
  const d = new Date(unix * 1000);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}

// count writes a number with its noun: "1 watcher", "12 watchers".
export const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

// many writes a number of events shortly: "999", "12k", "3M".
export const many = (n) => (n < 1e3 ? `${n}` : n < 1e6 ? `${Math.floor(n / 1e3)}k` : `${Math.floor(n / 1e6)}M`);

// oneLine is the first line of a text that is not blank, cut to at most max
// characters. The parts of the page that clip do so by CSS; this keeps a
// hostile megabyte out of the layout.
export function oneLine(text, max = 200) {
  const line = String(text ?? "").slice(0, 4096).split("\n").find((l) => l.trim() !== "") ?? "";
  const chars = Array.from(line.trim());
  return chars.length > max ? chars.slice(0, max - 1).join("") + "…" : chars.join("");
}
