// The keyboard, and the remote control of a television, which sends arrows
// and Enter.

export class Keys {
  #board;
  #detail;
  #settings;
  #say;
  #had; // the tile that had the focus last
  #search = document.getElementById("search");
  #help = document.getElementById("help");

  // One table of every key; the help dialog in page.html lists the same.
  #commands = {
    "/": () => this.#search.focus(),
    p: () => { this.#settings.problems = !this.#settings.problems; this.#say(this.#settings.problems ? "problems only" : "everything"); },
    d: () => this.#say(`density ${this.#settings.nextDensity()}`),
    t: () => this.#say(`theme ${this.#settings.nextTheme()}`),
    c: () => this.#say(`${this.#settings.nextPalette() === "cb" ? "colour-blind" : "standard"} palette`),
    f: () => fullscreen(),
    "?": () => this.#toggleHelp(),
    Escape: () => this.#escape(),
    ArrowLeft: () => this.#step(-1),
    ArrowRight: () => this.#step(1),
    ArrowUp: () => this.#row(-1),
    ArrowDown: () => this.#row(1),
    Home: () => this.#end(0),
    End: () => this.#end(-1),
  };

  constructor(board, detail, settings, say) {
    this.#board = board;
    this.#detail = detail;
    this.#settings = settings;
    this.#say = say;
    addEventListener("keydown", (event) => this.#key(event));
    this.#search.addEventListener("input", () => (settings.query = this.#search.value));
    this.#search.value = settings.query;
    document.getElementById("help-button").addEventListener("click", () => this.#toggleHelp());
    document.getElementById("board").addEventListener("focusin", ({ target }) => (this.#had = target.closest(".tile")));
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.keyCode === 229) return; // 229: Safari's composing
    const typing = event.target === this.#search;
    if (typing && (event.key === "Enter" || event.key === "ArrowDown")) {
      event.preventDefault();
      return this.#end(0);
    }
    if ((typing && event.key !== "Escape") || (event.key.length === 1 && !this.#settings.keys)) return;
    // These scroll the panel while it has the focus.
    if (/^(Arrow|Home|End)/.test(event.key) && this.#detail.contains(document.activeElement)) return;
    const command = this.#commands[named(event)];
    if (!command || (event.repeat && !event.key.startsWith("Arrow")) || (this.#help.open && !["?", "Escape"].includes(event.key))) return;
    event.preventDefault();
    command();
  }

  // Escape undoes the innermost thing.
  #escape() {
    const id = this.#detail.id;
    if (this.#help.open) this.#help.close();
    else if (document.activeElement === this.#search || (this.#settings.query && id === null)) {
      this.#search.value = this.#settings.query = "";
      this.#search.blur();
    } else if (id !== null) {
      // From within the panel to its tile, where that is shown and seen, and else out of it.
      const within = () => this.#detail.contains(document.activeElement);
      const from = within();
      if (from) this.#board.tile(id)?.link.focus();
      if (!from || within() || this.#detail.coversAll) this.#detail.close();
    } else if (this.#settings.problems) this.#settings.problems = false;
  }

  #toggleHelp() {
    if (this.#help.open) this.#help.close();
    else this.#help.showModal();
  }

  #current(tiles) {
    const element = document.activeElement?.closest(".tile");
    const id = element?.dataset.id ?? this.#detail.id;
    return tiles.findIndex((tile) => tile.id === id);
  }

  // #begin is where to go when no tile has the focus: to the one that had it, or
  // the next where that is not shown any more.
  #begin(tiles) {
    const had = this.#had?.isConnected ? this.#had : null;
    return tiles.find(({ element }) => element === had || had?.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) ?? tiles[0];
  }

  #step(by) {
    const tiles = this.#board.visible(), at = this.#current(tiles);
    focus(at < 0 ? this.#begin(tiles) : tiles[at + by]);
  }

  #end(at) {
    focus(this.#board.visible().at(at));
  }

  // #row goes to the nearest tile of the next row that way.
  #row(by) {
    const tiles = this.#board.visible(), at = this.#current(tiles);
    if (at < 0) return focus(this.#begin(tiles));
    const from = tiles[at].element.getBoundingClientRect(), middle = from.left + from.width / 2;
    let best = null, bestGap = Infinity, row = Infinity;
    for (let i = at + by; i >= 0 && i < tiles.length; i += by) {
      const box = tiles[i].element.getBoundingClientRect(), away = by * (box.top - from.top), slack = box.height / 2;
      if (away > row + innerHeight) break; // sets beside this one may have rows as near
      const gap = Math.abs(box.left + box.width / 2 - middle);
      if (away < slack || away > row + slack || (away > row - slack && gap >= bestGap)) continue;
      [best, bestGap, row] = [tiles[i], gap, away];
    }
    focus(best);
  }
}

// named gives a key as #commands has it: a letter whatever Caps Lock says, and one
// of another alphabet by where it is.
function named({ key = "", code = "" }) {
  if (key.length > 1) return key;
  return key > "~" ? code.replace("Key", "").toLowerCase() : key.toLowerCase();
}

function focus(tile) {
  if (!tile) return;
  tile.link.focus({ preventScroll: true });
  tile.element.scrollIntoView({ block: "nearest" });
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}
