// The stream's life: one EventSource, shared by the browser's tabs where that
// can be, watched by its beats rather than by its errors. A connection that
// fails, is closed for good (a browser never retries after a status other than
// 200) or falls silent is replaced, with jitter.

import { SharedSource } from "./shared.js";

const STALE_AFTER = 3; // seconds without a word: the board says so
const SILENT_AFTER = 6; // seconds without a word: the connection is replaced
const RETRY_MAX = 5; // seconds between attempts, at most

export class Stream {
  #url;
  #page;
  #on;
  #shared = "SharedWorker" in globalThis;
  #source = null;
  #heard = instant();
  #opened = instant();
  #failures = 0;
  #retryAt = 0;

  // page: what names this version of the page. on: {board, update, beat,
  // config} each taking an event's data, and state(lost) called once a second
  // and whenever it changed, where lost is null or {age, retryIn} in seconds.
  constructor(url, page, on) {
    this.#url = url;
    this.#page = page;
    this.#on = on;
  }

  start() {
    setInterval(() => this.#watch(), 250); // first: it tells also of a browser that cannot connect
    this.#connect();
    // A page that is left holds no connection: a browser has six for a server,
    // and keeps pages for the way back. One that is come back to, and a woken
    // laptop, try at once.
    addEventListener("pagehide", () => this.#source?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  #connect() {
    this.#source?.close();
    this.#retryAt = 0;
    this.#opened = instant();
    const source = (this.#source = this.#open());
    for (const name of ["board", "update", "beat", "config"]) {
      source.addEventListener(name, (event) => {
        if (source !== this.#source) return;
        this.#heard = instant();
        this.#failures = 0;
        this.#on[name](JSON.parse(event.data));
        if (this.#shown !== null) this.#watch();
      });
    }
    source.addEventListener("error", () => source === this.#source && this.#retry());
  }

  #open() {
    if (!this.#shared) return new EventSource(this.#url);
    return new SharedSource(this.#url, this.#page, () => {
      this.#shared = false;
      this.#connect();
    });
  }

  #retry() {
    this.#source?.close();
    this.#source = null;
    const pause = Math.min(RETRY_MAX, 0.5 * 2 ** this.#failures++) * (0.5 + Math.random() / 2);
    this.#retryAt = instant().mono + pause;
  }

  #hurry() {
    if (since(this.#heard) > STALE_AFTER) this.#connect();
  }

  #shown = undefined;
  #watch() {
    const now = instant().mono;
    if (this.#source && Math.min(since(this.#heard), since(this.#opened)) > SILENT_AFTER) this.#retry();
    if (this.#retryAt > 0 && now >= this.#retryAt) this.#connect();

    const age = since(this.#heard);
    const lost = age < STALE_AFTER ? null : { age, retryIn: this.#retryAt > 0 ? this.#retryAt - now : 0 };
    const key = lost && `${Math.floor(age)} ${Math.ceil(lost.retryIn)}`;
    if (key === this.#shown) return;
    this.#shown = key;
    this.#on.state(lost);
  }
}

// An instant by both clocks: the monotonic one stands still while a machine
// sleeps, the wall clock can be set; the larger difference is the truth that
// never hides an outage.
function instant() {
  return { mono: performance.now() / 1000, wall: Date.now() / 1000 };
}

function since(then) {
  const now = instant();
  return Math.max(now.mono - then.mono, now.wall - then.wall);
}
