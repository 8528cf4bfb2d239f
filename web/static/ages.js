// One clock for everything that ages: the time of day in the header, "for 5
// minutes" on the tiles, the afterglow, "next in 0.7 s". It follows the
// server's time, as the last event told it.

const GRACE = 1; // seconds, as often as the server says something

export class Clock {
  #offset = 0;
  #told = 0;
  #listeners = [];

  // sync: the server says that it is unix now.
  sync(unix) {
    if (!Number.isFinite(unix)) return;
    this.#offset = unix - performance.now() / 1000;
    this.#told = unix;
  }

  // now is the server's time in Unix seconds.
  now() {
    return this.#offset + performance.now() / 1000;
  }

  // known is the time up to which the page knows: now, or soon after the last
  // event when no more come. A board that has lost its server shows what it
  // last knew, not every tile gone stale by itself.
  known() {
    return Math.min(this.now(), this.#told + GRACE);
  }

  // each calls listener(now) once a second, soon after the second begins.
  each(listener) {
    this.#listeners.push(listener);
  }

  start() {
    const tick = () => {
      const now = this.now();
      for (const listener of this.#listeners) listener(now);
      setTimeout(tick, 1005 - ((this.now() * 1000) % 1000));
    };
    tick();
  }
}
