// The stream as all tabs of this browser share it, in the shape of an
// EventSource. See workers/feed.js for why.

const HERE_WITHIN = 2000; // milliseconds in which a worker that works says so

export class SharedSource extends EventTarget {
  #port = null;
  #closed = false;

  // url is the stream's. page names the page: another one has another worker, with its own script.
  // broken() is called, at most once, when there is no worker to be had.
  constructor(url, page, broken) {
    super();
    const fail = () => this.#closed || (this.close(), broken());
    const timer = setTimeout(fail, HERE_WITHIN);
    try {
      const worker = new SharedWorker(`/static/workers/feed.js?${url}`, { name: page });
      worker.addEventListener("error", fail);
      this.#port = worker.port;
    } catch {
      return; // the timer tells
    }
    this.#port.onmessage = ({ data: { type, data } }) => {
      if (type === "here") return clearTimeout(timer);
      this.#port.postMessage("taken");
      if (!this.#closed) this.dispatchEvent(new MessageEvent(type, { data }));
    };
  }

  close() {
    this.#closed = true;
    this.#port?.postMessage("close");
  }
}
