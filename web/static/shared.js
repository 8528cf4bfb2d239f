// The stream as all tabs of this browser share it, in the shape of an
// EventSource. See workers/feed.js for why.

const HERE_WITHIN = 2000; // milliseconds in which a worker that works says so

export class SharedSource extends EventTarget {
  #port = null;
  #closing = new AbortController();

  // url is the stream's. page names the page: another one has another worker, with its own script.
  // broken() is called, at most once, when there is no worker to be had.
  constructor(url, page, broken) {
    super();
    const { signal } = this.#closing;
    const fail = () => signal.aborted || (this.close(), broken());
    const timer = setTimeout(fail, HERE_WITHIN);
    try {
      const worker = new SharedWorker(`static/workers/feed.js?${url}`, { name: page });
      worker.addEventListener("error", fail, { signal });
      this.#port = worker.port;
    } catch {
      return; // the timer tells
    }
    this.#port.onmessage = ({ data: { type, data } }) => {
      if (type === "here") return clearTimeout(timer);
      this.#port.postMessage("taken");
      this.dispatchEvent(new MessageEvent(type, { data }));
    };
  }

  // close leaves nothing behind: Chromium holds a shared worker and its port, and
  // what they call, for as long as the page is there.
  close() {
    this.#closing.abort();
    if (!this.#port) return;
    this.#port.onmessage = null;
    this.#port.postMessage("close");
    this.#port.close();
  }
}
