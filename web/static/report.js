// A watcher as plain text, to be pasted into a ticket or a chat.

import { short } from "./words.js";

export function report(full, now) {
  const at = (unix) => new Date(unix * 1000).toISOString();
  const lines = [
    `${full.name}: ${full.status} ${full.value} ${full.unit}`.trimEnd(),
    `id: ${full.id}`,
    `since: ${at(full.since)}, read ${at(now)}`,
  ];
  if (full.shadow) lines.push(`in the shadow of: ${full.shadow}`);
  if (full.confirming) lines.push(`being confirmed: ${full.confirming.status} ${full.confirming.seen}/${full.confirming.needed}`);
  if (full.ended) lines.push(`last run: ${at(full.ended)}, took ${short(full.elapsed)}`);
  if (full.source?.file) lines.push(`defined: ${full.source.file}:${full.source.line}`);
  if (full.link) lines.push(`link: ${full.link}`);
  if (full.error) lines.push(`error: ${full.error.message}`);
  if (full.timing?.length) lines.push(`timing: ${full.timing.map(([name, s]) => `${name} ${short(s)}`).join(", ")}`);
  for (const [title, text] of [
    ["detail", full.detail], ["trace", full.trace], ["output", full.output], ["log", (full.log ?? []).join("\n")],
    ["transitions", (full.transitions ?? []).map((t) => `${at(t.at)} ${t.from} -> ${t.to} ${t.value} ${t.unit}`.trimEnd()).join("\n")],
  ]) if (text) lines.push("", `${title}:`, text);
  return lines.join("\n") + "\n";
}

// toClipboard says whether it could. The clipboard's own API needs a secure
// context, which a board on http://wall-1:8811 is not: there the old way works.
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}
