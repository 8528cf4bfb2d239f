// A shared worker: one stream for all of a browser's tabs. Over HTTP/1.1 a
// browser has six connections to a server, and an open stream holds one: the
// seventh tab would wait for ever.

const EVENTS = ["board", "update", "beat", "config"];
// A tab that is frozen takes nothing, and what waits for it takes memory: past
// so many messages it is told that its stream has failed, and gets no more.
const WAITING_MOST = 60;
// A stream that nothing has come of for so long is replaced for the next tab that
// comes: each gives up on its own, and the others would hold it open.
const SILENT_MOST = 5000; // milliseconds

const tabs = new Map(); // port -> messages that it has not confirmed
const url = location.search.slice(1);
let source = null;
let fresh = false; // no tab has heard from source yet
let asked = 0; // when it was opened

addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data === "close") {
      leave(port);
      port.close();
    } else if (tabs.has(port)) tabs.set(port, tabs.get(port) - 1);
  };
  tabs.set(port, 0);
  port.postMessage({ type: "here" });
  // A tab begins with the whole board, which only a new stream brings.
  if (!fresh || performance.now() - asked > SILENT_MOST) open();
});

function open() {
  source?.close();
  fresh = true;
  asked = performance.now();
  const opened = (source = new EventSource(url));
  for (const type of EVENTS) {
    opened.addEventListener(type, ({ data }) => {
      fresh = false;
      for (const [port, waiting] of tabs) {
        if (waiting >= WAITING_MOST) fail(port);
        else send(port, waiting, { type, data });
      }
    });
  }
  opened.addEventListener("error", () => {
    if (opened !== source) return;
    for (const port of [...tabs.keys()]) fail(port);
  });
}

function send(port, waiting, message) {
  tabs.set(port, waiting + 1);
  port.postMessage(message);
}

function fail(port) {
  port.postMessage({ type: "error" });
  leave(port);
}

function leave(port) {
  tabs.delete(port);
  if (tabs.size > 0) return;
  source?.close();
  source = null;
  fresh = false;
}
