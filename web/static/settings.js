// Settings live in the URL and nowhere else, so that a wall is one bookmark.
// The page comes with the looks that its address asks for; this module owns them
// from then on.

const THEMES = ["auto", "dark", "light"];
const LIGHT_WHEN = { auto: "(prefers-color-scheme: light)", dark: "not all", light: "all" };
const DENSITIES = ["desk", "wall", "compact"];
const PALETTES = ["standard", "cb"];
// What is so by itself is not written; of the others that is nothing.
const PLAIN = { theme: THEMES[0], density: DENSITIES[0], palette: PALETTES[0] };
const LATER = 5000; // milliseconds until an address that was refused is tried again

export class Settings {
  #listeners = [];
  #later = 0;
  #params = new URLSearchParams(location.search);

  get theme() { return oneOf(THEMES, this.#params.get("theme")); }
  get lightWhen() { return LIGHT_WHEN[this.theme]; }
  get density() { return oneOf(DENSITIES, this.#params.get("density")); }
  get palette() { return oneOf(PALETTES, this.#params.get("palette")); }
  get kiosk() { return isOn(this.#params.get("kiosk")); }
  get problems() { return isOn(this.#params.get("problems")); }
  get keys() { return this.#params.get("keys") !== "off"; } // of one character: who dictates types them unawares
  get query() { return this.#params.get("q") ?? ""; }
  get sets() { return this.#params.getAll("set"); }

  set query(text) { this.#put("q", text); }
  set problems(on) { this.#put("problems", on ? "1" : ""); }

  nextTheme() { this.#put("theme", after(THEMES, this.theme)); return this.theme; }
  nextDensity() { this.#put("density", after(DENSITIES, this.density)); return this.density; }
  nextPalette() { this.#put("palette", after(PALETTES, this.palette)); return this.palette; }

  // changed calls listener after each change, and once now.
  changed(listener) {
    this.#listeners.push(listener);
    listener(this);
  }

  constructor() {
    // The way back is one through tiles: settings stay as they are.
    addEventListener("popstate", () => this.#write());
  }

  #put(name, value) {
    if (value === (PLAIN[name] ?? "")) this.#params.delete(name);
    else this.#params.set(name, value);
    this.#write();
    for (const listener of this.#listeners) listener(this);
  }

  #write() {
    const search = this.#params.toString();
    clearTimeout(this.#later);
    try {
      history.replaceState(history.state, "", `${location.pathname}${search ? `?${search}` : ""}${location.hash}`);
    } catch { // Safari takes a hundred in half a minute: a key that is held down has more
      this.#later = setTimeout(() => this.#write(), LATER);
    }
  }
}

// The first of a list is its default.
const oneOf = (list, value) => (list.includes(value) ? value : list[0]);
const after = (list, value) => list[(list.indexOf(value) + 1) % list.length];
const isOn = (value) => value !== null && value !== "0" && value !== "false";
