// The parts of the detail panel that are lists and blocks: the waterfall of a
// timed run, the transitions, the texts.

import { slowest } from "./face.js";
import { sign } from "./status.js";
import { text } from "./text.js";
import { clock as timeOfDay, short } from "./words.js";

// waterfall draws each phase where it lay in the whole.
export function waterfall(parts, timing) {
  const slow = slowest(timing);
  parts["timing-block"].hidden = !slow;
  if (!slow) return;
  text(parts["timing-sum"], `${short(slow.total)} in all`);
  let start = 0;
  const rows = fit(parts.timing, timing.length, parts["phase-template"]);
  timing.forEach(([name, seconds], i) => {
    const [label, svg, amount] = rows[i].children;
    rows[i].className = i === slow.index ? "phase -slow" : "phase";
    text(label, name);
    const bar = svg.firstElementChild;
    bar.setAttribute("x", ((100 * start) / slow.total).toFixed(2));
    bar.setAttribute("width", Math.max(0.6, (100 * seconds) / slow.total).toFixed(2));
    text(amount, short(seconds));
    start += seconds;
  });
}

// vantages lists what is seen from each, in the order of the script.
export function vantages(parts, cells) {
  parts["cells-block"].hidden = cells.length === 0;
  const rows = fit(parts.cells, cells.length, parts["cell-template"]);
  cells.forEach((c, i) => {
    const [glyph, name, value, detail, took] = rows[i].children;
    rows[i].className = `vantage -${c.status}`;
    rows[i].ariaLabel = `${c.name}: ${c.status}, ${c.value} ${c.unit}`.trim();
    text(glyph, sign(c.status));
    text(name, c.name);
    text(value, `${c.value} ${c.unit}`.trim() || c.status);
    text(detail, c.detail);
    text(took, short(c.elapsed));
  });
}

export function transitions(parts, list, now) {
  parts["history-block"].hidden = list.length === 0;
  const newest = [...list].reverse();
  const rows = fit(parts.history, newest.length, parts["transition-template"]);
  newest.forEach((t, i) => {
    const [at, glyph, word, value] = rows[i].children;
    rows[i].className = `transition -${t.to}`;
    text(at, now - t.at < 86400 ? timeOfDay(t.at) : new Date(t.at * 1000).toISOString().slice(0, 16).replace("T", " "));
    text(glyph, sign(t.to));
    text(word, t.to);
    text(value, [`${t.value} ${t.unit}`.trim(), t.detail].filter(Boolean).join(" · "));
  });
}

// fit gives list exactly n children, made from the template.
export function fit(list, n, template) {
  while (list.children.length > n) list.lastElementChild.remove();
  while (list.children.length < n) list.append(template.content.firstElementChild.cloneNode(true));
  return list.children;
}

// block fills a <pre> and hides its section when there is nothing in it. What is
// being selected stays: who is about to copy it would lose it to the next run.
export function block(pre, value) {
  const selection = getSelection();
  if (!selection.isCollapsed && selection.containsNode(pre, true)) return;
  pre.closest("section").hidden = value === "";
  text(pre, value);
}
