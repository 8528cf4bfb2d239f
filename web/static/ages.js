// One clock for everything that ages: the time of day in the header, "for 5
// minutes" on the tiles, the afterglow, "next in 0.7 s". It follows the
// server's time, as the last event told it.

export class Clock {
  #offset = 0;
  #listeners = [];

  // sync: the server says that it is unix now.
  sync(unix) {
    if (Number.isFinite(unix)) this.#offset = unix - performance.now() / 1000;
  }

  // now is the server's time in Unix seconds.
  now() {
    return this.#offset + performance.now() / 1000;
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
