// The part of the detail panel that names the other watchers a watcher leans
// on: those it needs, and those it is derived from. They are links, and as
// alive as their tiles.

import { fit } from "./evidence.js";
import { standing } from "./status.js";
import { text } from "./text.js";

export function kin(parts, model, full) {
  list(parts, "needs", model, full?.needs ?? []);
  const of = full?.of ?? [];
  list(parts, "of", model, of);
  const more = (full?.of_total ?? 0) - of.length;
  text(parts["of-more"], more > 0 ? `the first ${of.length} of ${full.of_total}` : "");
}

function list(parts, name, model, ids) {
  parts[`${name}-block`].hidden = ids.length === 0;
  const rows = fit(parts[name], ids.length, parts["kin-template"]);
  ids.forEach((id, i) => {
    const tile = model.tiles.get(id), row = rows[i], link = row.firstElementChild;
    const [, label, word] = link.children;
    const classes = `kin -${tile ? standing(tile) : "pending"}`, href = `#/${encodeURIComponent(id)}`;
    if (row.className !== classes) row.className = classes;
    if (link.getAttribute("href") !== href) link.setAttribute("href", href);
    text(label, tile?.name ?? id);
    text(word, tile ? `${tile.status} ${tile.value} ${tile.unit}`.trimEnd() : "gone");
  });
}
