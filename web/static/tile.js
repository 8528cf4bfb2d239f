// One tile: .tile in the page, made from <template id="tile"> or taken over
// from the server's first paint. update() writes only what differs from what
// it wrote before, as text and attributes, never as markup.

const TRAIL = ["o", "w", "c", "u"];
const BLAME = ["even", "odd", "slow"];
const DRAWN = { trail: TRAIL, blame: BLAME };

export class Tile {
  changesAt = 0; // when time alone changes the face: set by the board
  #parts;
  #shown = {};

  // element: the <li class="tile">. shown: the face it already shows, if the
  // server painted it.
  constructor(element, shown) {
    this.element = element;
    this.id = element.dataset.id;
    if (shown) this.#shown = flat(shown);
  }

  static create(template, id) {
    const element = template.content.firstElementChild.cloneNode(true);
    element.dataset.id = id;
    element.id = `/${id}`;
    element.firstElementChild.setAttribute("href", `#/${encodeURIComponent(id)}`);
    return new Tile(element);
  }

  get link() {
    return this.element.firstElementChild;
  }

  // expand tells that the panel shows the tile.
  expand(on) {
    if (on) this.link.setAttribute("aria-expanded", "true");
    else this.link.removeAttribute("aria-expanded");
  }

  // status is what the tile shows now, not what its data says.
  get status() {
    return this.#shown.status;
  }

  update(face) {
    const next = flat(face), shown = this.#shown, parts = this.parts;
    if (next.classes !== shown.classes) this.element.className = next.classes;
    for (const key of ["name", "value", "unit", "word", "lasted", "note", "why"]) {
      if (next[key] !== shown[key]) parts[key].textContent = next[key];
    }
    if (next.size !== shown.size) parts.amount.className = next.size;
    for (const [svg, keys] of Object.entries(DRAWN)) {
      for (const key of keys) if (next[key] !== (shown[key] ?? "")) path(parts, svg, key).setAttribute("d", next[key]);
    }
    if (next.cells !== shown.cells) parts.cells.replaceChildren(...face.cells.map(cell));
    this.#shown = next;
  }

  // parts are the elements inside, looked up when first needed: most tiles of
  // a large board never change their shape.
  get parts() {
    if (this.#parts) return this.#parts;
    const find = (selector) => this.element.querySelector(selector);
    const parts = {
      name: find(".name"), amount: find(".amount"), value: find(".value"), unit: find(".unit"),
      word: find(".word"), lasted: find(".lasted"), note: find(".note"), why: find(".why"), cells: find(".cells"),
    };
    for (const [svg, keys] of Object.entries(DRAWN)) {
      parts[svg] = find(`.${svg}`);
      for (const key of keys) parts[key] = find(`.${svg} .${key}`);
    }
    this.#parts = parts;
    return parts;
  }
}

// path is the part key of a drawing, made when there is first something to draw:
// most tiles have one path of seven.
function path(parts, svg, key) {
  if (!parts[key]) {
    parts[key] = document.createElementNS(parts[svg].namespaceURI, "path");
    parts[key].setAttribute("class", key);
    const later = DRAWN[svg].slice(DRAWN[svg].indexOf(key) + 1).find((other) => parts[other]);
    parts[svg].insertBefore(parts[key], later ? parts[later] : null);
  }
  return parts[key];
}

const NAMED_CELLS = 5; // cells of a tile that have room for their names

// cell makes the mark of one vantage of several.
function cell({ name, status, value, unit }) {
  const element = document.createElement("span"), glyph = document.createElement("i"), label = document.createElement("bdi");
  element.className = `cell -${status}`;
  element.title = `${name} ${status}: ${value} ${unit}`.trim();
  element.role = "img";
  element.ariaLabel = element.title;
  glyph.className = "glyph";
  glyph.ariaHidden = "true";
  label.textContent = name;
  element.append(glyph, label);
  return element;
}

// flat lays a face out as one level of strings, which compare by ===.
function flat(face) {
  const { trail, blame, glow, stale, size, status, cells, long, ...texts } = face;
  const held = cells.length === 0 ? "" : cells.length > NAMED_CELLS ? " -cells -many" : " -cells";
  return {
    ...texts, ...trail, ...blame, status,
    size: `amount -size${size}`,
    cells: cells.map((c) => `${c.name} ${c.status} ${c.value} ${c.unit}`).join("\n"),
    classes: `tile -${status}${stale ? " -stale" : ""}${glow ? ` ${glow}` : ""}${long}${held}`,
  };
}
