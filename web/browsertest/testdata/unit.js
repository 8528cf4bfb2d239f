// Tests of the page's pure modules, run in the browser by unit_test.go: each
// throws when it fails.

import { blamePaths, blips, changesAt, face, glow, isStale, note, slowest, trailPaths, valueSize, why } from "/static/face.js";
import { crowded, label } from "/static/fold.js";
import { matcher, scope } from "/static/filter.js";
import { wander } from "/static/kiosk.js";
import { Model, worst } from "/static/model.js";
import { plan } from "/static/plan.js";
import { Settings } from "/static/settings.js";
import { titleOf } from "/static/title.js";
import { moved, sentence } from "/static/announce.js";
import { times } from "/static/times.js";
import { clock, every, many, oneLine, short, span, stopwatch } from "/static/words.js";

function equal(got, want, what) {
  const [g, w] = [JSON.stringify(got), JSON.stringify(want)];
  if (g !== w) throw new Error(`${what} = ${g}, want ${w}`);
}

const tile = (id, more) => ({
  id, name: id, set: "S", status: "ok", value: "1", unit: "", detail: "", link: "", since: 1000, since_approx: false,
  ended: 1000, next: 1001, elapsed: 0.01, interval: 1, timeout: 1, ttl: 4, stale: false, late: false, missed: 0, runs: 1, running: false, trail: "o", ...more,
});
const board = (...tiles) => ({ rev: 1, boot: "b", version: "v", host: "h", time: 1000, page_tag: "", config: { generation: 1, loaded_at: 1, error: null }, lag: {}, sets: [{ name: "S", tiles }] });

export const tests = {
  "a desk folds the largest sets, those of one size alike, and no small ones": () => {
    const sets = (...sizes) => sizes.map((n, i) => ({ name: `${i}`, ids: Array(n).fill("") }));
    equal([...crowded(sets(4000))], [], "folded of one of 4,000");
    equal([...crowded(sets(100, 3950, 90))], ["1"], "folded of 100, 3,950, 90");
    equal([...crowded(sets(2000, 10, 2000, 2000))], ["0", "2", "3"], "folded of three of 2,000");
    equal([...crowded(Array.from({ length: 500 }, (_, i) => ({ name: `${i}`, ids: Array(20).fill("") })))], [], "folded of 500 of 20");
    equal([label({ ok: 3, shadow: 2, pending: 1 }, false), label({ ok: 3, shadow: 0, pending: 0 }, true)], ["3 well, 2 in shadow, 1 pending", "fold 3 well"], "labels");
  },
  "a wall's picture wanders in small steps, from its place to everywhere near it": () => {
    const seen = new Set();
    equal(wander(0).map(Math.abs), [0, 0], "at first");
    for (let i = 0; i < 200; i++) {
      const [x, y] = wander(i), [nextX, nextY] = wander(i + 1);
      equal([Math.abs(x) <= 4, y <= 0, y >= -4, Math.abs(nextX - x), Math.abs(nextY - y) <= 1], [true, true, true, 1, true], `step ${i}: ${x}, ${y}; then ${nextX}, ${nextY}`);
      seen.add(`${x},${y}`);
    }
    equal(seen.size >= 40, true, `more than 40 of 45 places, ${seen.size}`);
  },
  "a board replaces everything, whatever its rev": () => {
    const model = new Model();
    model.board({ ...board(tile("a"), tile("b")), rev: 900 });
    const transitions = model.board({ ...board(tile("b", { status: "critical" }), tile("c")), rev: 2 });
    equal([...model.tiles.keys()], ["b", "c"], "ids");
    equal(model.rev, 2, "rev");
    equal(transitions.map((t) => [t.tile.id, t.from, t.tile.status]), [["b", "ok", "critical"]], "transitions");
  },
  "a board tells whose members changed": () => {
    const model = new Model();
    model.board(board(tile("a"), tile("b")));
    equal(model.moves, [], "moves of the first board");
    model.board(board(tile("b"), tile("c"), tile("d")));
    equal(model.moves, [{ name: "S", added: 2, removed: 1, problem: "" }], "moves");
    equal(moved(model.moves), "S: 2 tiles added, 1 tile removed.", "words");
    const failed = board(tile("b"), tile("c"), tile("d"));
    failed.sets[0].problem = "refused; the last 3 members stay";
    model.board(failed);
    equal(moved(model.moves), "S: refused; the last 3 members stay.", "words of a failure");
    model.board(failed);
    equal(model.moves, [], "moves while it lasts");
  },
  "an update changes known tiles and leaves others": () => {
    const model = new Model();
    model.board(board(tile("a")));
    const { changed, transitions } = model.update({ rev: 5, tiles: [tile("a", { value: "2" }), tile("ghost")] });
    equal(changed, ["a"], "changed");
    equal(transitions, [], "transitions of an equal status");
    equal([model.tiles.get("a").value, model.tiles.has("ghost"), model.rev], ["2", false, 5], "model");
  },
  "counts and problems keep to their scope": () => {
    const model = new Model();
    model.board(board(tile("a"), tile("b", { status: "warning", since: 5 }), tile("c", { status: "critical", since: 9 }), tile("d", { status: "critical", since: 7 }), tile("e", { status: "unknown" }), tile("f", { ended: 10 })));
    const counts = model.counts(1001);
    equal(counts, { stale: 1, shadow: 0, total: 6, critical: 2, unknown: 1, warning: 1, ok: 2, pending: 0 }, "counts");
    equal(model.problems(1001).map((t) => t.id).join(""), "dcebf", "problems, worst and longest first, stale last");
    equal(model.counts(1001, (t) => t.id === "a").total, 1, "total in scope");
    equal([worst(counts), worst({ ok: 1 }), worst({})], ["critical", "ok", "pending"], "worst");
    equal([titleOf(counts), titleOf({ ok: 3 })], ["(2■ 1◆ 1▲) Pharos", "Pharos"], "title");
  },
  "what is in the shadow is no problem and no news": () => {
    const model = new Model();
    model.board(board(tile("wan"), tile("a"), tile("b")));
    const down = { status: "critical", shadow: "wan" };
    const { transitions } = model.update({ rev: 2, tiles: [tile("wan", { status: "critical" }), tile("a", down), tile("b", { shadow: "wan" })] });
    equal(transitions.map((t) => [t.tile.id, t.from, t.to]), [["wan", "ok", "critical"]], "transitions into the shadow");
    const counts = model.counts(1001);
    equal([counts.critical, counts.ok, counts.shadow, counts.total], [1, 0, 2, 3], "critical, ok, shadow, total");
    equal(model.problems(1001).map((t) => t.id), ["wan"], "problems");
    equal(["problem", "shadow", "critical"].map((word) => matcher(`is:${word}`)(tile("a", down), 1001)), [false, true, false], "is:problem, is:shadow, is:critical: as it is counted");
    const shown = face(tile("a", down), 1001);
    equal([shown.status, shown.word, shown.why], ["shadow", "critical", "in the shadow of wan"], "face");
    const out = model.update({ rev: 3, tiles: [tile("wan"), tile("a", { status: "critical" }), tile("b")] });
    equal(out.transitions.map((t) => [t.tile.id, t.from, t.to]), [["wan", "critical", "ok"], ["a", "shadow", "critical"]], "transitions out of it");
  },
  "what is being confirmed shows quietly": () => {
    const t = tile("a", { confirming: { status: "critical", seen: 1, needed: 2 }, detail: "refused", blips: [990] });
    const shown = face(t, 1001);
    equal([shown.status, shown.note, shown.why], ["ok", "critical 1/2", "refused"], "face");
    const recovered = tile("a", { was: "critical", since: 10, recovered: 995 });
    equal([glow(recovered, 1000), glow(recovered, 1060)], ["-glow6 -from-critical", ""], "glow of a blip that was not confirmed");
  },
  "what has no ttl is never stale": () => {
    const t = tile("a", { ttl: 0, interval: 0 });
    equal(isStale(t, 1e9), false, "stale");
    equal(changesAt(t, 1001), 1060, "changes at");
  },
  "a tile is stale by its ttl, by the server's word, or without a first result": () => {
    equal(isStale(tile("a"), 1004.9), false, "within ttl and slack");
    equal(isStale(tile("a"), 1005.1), true, "past ttl and slack");
    equal(isStale(tile("a", { stale: true }), 1000), true, "told by the server");
    equal(isStale(tile("a", { ended: null, status: "pending", since: 990 }), 1000), true, "pending for longer than its ttl");
  },
  "a tile that is set by events says how its stream does": () => {
    const fed = (events, more) => tile("a", { interval: 0, ttl: 0, next: null, events: { up: true, restarts: 0, count: 3, dropped: 0, ...events }, ...more });
    equal([isStale(fed(), 1e9), changesAt(fed(), 1001)], [false, 1060], "never stale without a ttl");
    equal([isStale(fed({}, { ttl: 60 }), 1060.5), isStale(fed({}, { ttl: 60 }), 1061.5)], [false, true], "stale past its ttl");
    equal(isStale(fed({ up: false, retry: 1100 }, { ttl: 60 }), 1099), false, "one that is down is not stale");
    equal(why(fed(), true), "was ok; no event", "why of a stale one");
    equal(why(fed({ up: false }, { status: "pending" })), "opening its stream", "why before it is open");
    equal(why(fed({}, { status: "pending", detail: "following /x; no event yet" })), "following /x; no event yet", "why before the first event");
    equal([note(fed({ dropped: 12_345, lost: 1000 }), 1300), note(fed({ dropped: 12_345, lost: 1000 }), 1301)], ["12k dropped", ""], "note for five minutes");
    equal(note(fed({ up: false, retry: 1100, dropped: 1, lost: 1000 }), 1001), "restarting", "note of one that is down");
    equal([many(999), many(1000), many(999_999), many(1_234_567)], ["999", "1k", "999k", "1M"], "many");
    equal(times(fed({ dropped: 2, restarts: 1 }), 1004), "ok for a moment\nstream open · last event 4.00 s ago\n3 events · 2 dropped · 1 restart", "times");
    equal(times(fed({ up: false, retry: 1007, count: 0 }, { status: "unknown" }), 1004), "unknown for a moment\nopened again in 3.00 s\n0 events", "times of one that is down");
  },
  "afterglow fades over a minute": () => {
    const t = tile("a", { was: "critical" });
    equal([0, 10.5, 59.9, 60].map((age) => glow(t, 1000 + age)), ["-glow6 -from-critical", "-glow5 -from-critical", "-glow1 -from-critical", ""], "glow at 0, 10.5, 59.9, 60 s");
    equal(glow(tile("a"), 1000), "", "glow of one that did not recover");
  },
  "a face changes by itself when one of its words does": () => {
    const quiet = (more) => tile("a", { ended: 1e9, ...more });
    equal(changesAt(quiet(), 1000.5), 1060, "of a new tile");
    equal(changesAt(quiet(), 1300), 1360, "of five minutes");
    equal(changesAt(quiet(), 1000 + 7300), 1000 + 10800, "of two hours");
    equal(changesAt(quiet({ blips: [800] }), 1010), 1060, "of a blip that is older than the next minute");
    equal(changesAt(quiet({ blips: [750] }), 1010), 1050, "of a blip that drops out");
    equal(changesAt(tile("a"), 1001), 1005, "of one that goes stale");
    equal(changesAt(tile("a", { ended: 1010, was: "warning" }), 1012), 1015, "of one that glows, stale first");
    equal(changesAt(quiet({ was: "warning" }), 1012), 1017, "of one that glows");
  },
  "blips are those of five minutes": () => {
    equal(blips(tile("a", { blips: [700, 701, 1000] }), 1001), 2, "blips");
    equal(blips(tile("a"), 1001), 0, "blips of none");
  },
  "a trail is right-aligned runs of equal cells": () => {
    equal(trailPaths("oowc"), { o: "M56 7.5h2", w: "M58 6.25h1", c: "M59 5h1", u: "" }, "short trail");
    equal(trailPaths("o".repeat(70)).o, "M0 7.5h60", "long trail");
    equal(trailPaths("?<").o, "", "letters of no status");
  },
  "the slow phase is named": () => {
    const timing = [["dns", 0.018], ["wait", 0.962], ["receive", 0.02]];
    equal(slowest(timing), { index: 1, name: "wait", seconds: 0.962, total: 1 }, "slowest");
    equal(slowest([["dns", 0]]), null, "slowest of nothing");
    equal(blamePaths(timing), { even: "M0.0 2h1.2M98.0 2h1.4", odd: "", slow: "M1.8 2h95.6" }, "blame");
    equal(why(tile("a", { status: "critical", timing, value: "" })), "wait 962 ms of 1.00 s", "why");
    equal(why(tile("a", { timing: [["dns", 0], ["wait", 0.0212]], value: "52" })), "wait 21 ms", "why of one that did nothing else");
    equal(why(tile("a", { status: "critical", timing, value: "1.0012", detail: "0.01 0.9 1.0 (200)" })), "wait 962 ms", "why of a slow one");
    equal(why(tile("a", { status: "critical", timing, value: "-10", detail: "expired" })), "expired", "why of one that is not about the time");
    equal(why(tile("a", { status: "unknown", error: { message: "nil", file: "a.lua", line: 3 } })), "a.lua:3: nil", "why of an error with a place");
    equal(why(tile("a", { status: "unknown", error: { message: "a.lua:3: nil", file: "a.lua", line: 3 } })), "a.lua:3: nil", "why of a message that names its place");
  },
  "a face gives the reason, not what was being done": () => {
    for (const [message, reason] of [
      ['getting "http://shop.example/a": connecting to 10.0.0.1:80: connection refused', "connecting to 10.0.0.1:80: connection refused"],
      ['sending "POST" to "http://shop.example/": resolving "shop.example": no such host', 'resolving "shop.example": no such host'],
      ['asking 127.0.0.1:53 for A of "shop.example": connection refused', "connection refused"],
      ['running "echo \\"a\\": b": not finished after 1s', "not finished after 1s"],
      ['running "true" as user "web": no such user', "no such user"],
      ["ssh web-1: cannot reach it", "ssh web-1: cannot reach it"],
      ['nothing "quoted"', 'nothing "quoted"'],
    ]) {
      equal(why(tile("a", { status: "critical", error: { message } })), reason, "why");
    }
  },
  "a face bounds what it is given": () => {
    const f = face(tile("a", { value: `${"9".repeat(5000)}\nmore`, unit: "x".repeat(500) }), 1000);
    equal([f.value.length, f.unit.length, f.size], [80, 16, 3], "lengths");
    equal([valueSize("0.1", "s"), valueSize("0.0931", "s"), valueSize("0123456789", "")], [0, 1, 2], "sizes");
    equal(face(tile("a", { since_approx: true, ended: 1400 }), 1400).lasted, "~6 minutes", "lasted");
  },
  "a unit within a value is set as one": () => {
    const shown = (value, unit = "") => { const f = face(tile("a", { value, unit }), 1000); return [f.value, f.unit, f.size]; };
    equal([shown("5.3 minutes"), shown("0.12 ms"), shown("-3 %")], [["5.3", "minutes", 1], ["0.12", "ms", 0], ["-3", "%", 0]], "units");
    equal([shown("2/3 pay"), shown("3 of 4"), shown("no answer"), shown("12 a", "jobs")].map(([value, unit]) => [value, unit]), [["2/3 pay", ""], ["3 of 4", ""], ["no answer", ""], ["12 a", "jobs"]], "what has none");
  },
  "one run is no runs": () => {
    equal([1, 2].map((runs) => times(tile("a", { runs }), 1000).split("\n").at(-1).split(" · ").at(-1)), ["1 run", "2 runs"], "runs");
  },
  "durations in words": () => {
    equal([0, 59, 60, 300, 7199, 86400, 1e6].map(span), ["a moment", "a moment", "1 minute", "5 minutes", "1 hour", "1 day", "11 days"], "span");
    equal([0, 0.0000123, 0.004, 0.0999, 0.962, 1.204, 12.3, 3600].map(short), ["0 µs", "12 µs", "4.0 ms", "100 ms", "962 ms", "1.20 s", "12 s", "1 hour"], "short");
    equal([0.05, 1, 2.5, 300].map(every), ["50 ms", "1 s", "2.5 s", "5 min"], "every");
    equal([7.9, 760, 3723].map(stopwatch), ["0:07", "12:40", "1:02:03"], "stopwatch");
    equal(/^\d\d:\d\d:\d\d$/.test(clock(0)), true, "clock");
    equal(oneLine("\n  \n two \nthree"), "two", "oneLine");
  },
  "a search narrows by every word": () => {
    const t = tile("shop.a", { name: "Check out", set: "Web Shop", status: "critical" });
    for (const [query, want] of [["", true], ["check", true], ["shop CRIT", true], ["is:critical", true], ["is:problem out", true], ["is:ok", false], ["set:web_shop", true], ["set:db", false], ["check nothing", false], ["is:stale", true], ["(", false]]) {
      equal(matcher(query)(t, 2000), want, `match of ${JSON.stringify(query)}`);
    }
    const cafe = tile("cafe", { name: "Cafe\u0301", set: "Cafe\u0301" }); // as some file systems write it
    equal([matcher("caf\u00e9")(cafe, 1000), matcher("set:caf\u00e9")(cafe, 1000), scope(["caf\u00e9"])(cafe)], [true, true, true], "match of an accent written another way");
    equal([scope([])(t), scope(["web shop"])(t), scope(["Web"])(t)], [true, true, false], "scope");
  },
  "a storm is told as a summary": () => {
    const change = (id, to) => ({ tile: tile(id, { status: to, value: "3", unit: "s" }), from: "ok", to });
    equal(sentence([change("a", "critical")]), "a critical, 3 s.", "one");
    equal(sentence(["a", "b", "c", "d", "e"].map((id) => change(id, id < "c" ? "critical" : "warning"))), "5 watchers changed: 2 critical, 3 warning.", "many");
  },
  "a storm of moves is told as a summary": () => {
    const move = (name, problem = "") => ({ name, added: 2, removed: 1, problem });
    equal(moved([move("a"), move("b")]), "a: 2 tiles added, 1 tile removed. b: 2 tiles added, 1 tile removed.", "two");
    equal(moved([move("a"), move("b"), move("b"), move("c"), move("d"), move("e", "refused")]), "5 sets: 12 tiles added, 6 tiles removed, 1 with a problem.", "many");
  },
  "a search may be for a word that is a setting's": () => {
    const settings = new Settings();
    for (const word of ["auto", "desk", "standard"]) {
      settings.query = word;
      equal(settings.query, word, "query");
    }
    settings.query = "";
    equal(location.search, "", "address without one");
  },
  "what does not fit the kiosk is scrolled, and as legible": () => {
    for (const [width, height] of [[400, 600], [1080, 300], [300, 0]]) {
      const p = plan([{ name: "s", shown: 420, problems: 400 }], width, height, 16);
      equal([p.size, p.row >= 3.3 * p.size, p.columns * 11 * p.size - 0.5 * p.size <= width + 1, p.columns >= 1], [16, true, true, true], `size, height, width and columns in ${width}x${height}`);
    }
  },
  "no set of a wall wastes a row beside another": () => {
    const shelves = (sizes, problems, width, height) => {
      const p = plan(sizes.map((n, i) => ({ name: `s${i}`, shown: n, problems: problems[i] ?? 0 })), width, height);
      return p.places.map(({ start, span }) => `${start}+${span}`).join(" ");
    };
    equal(shelves([36, 300], [0, 0], 1920, 980), "1+6 7+1", "a folded set after a large one");
    equal(shelves([300, 36], [0, 0], 1920, 980), "1+1 2+6", "a folded set before a large one");
    equal(shelves([9, 4, 7, 3, 3], [], 1920, 960), "1+5 6+2 1+7 1+3 4+3", "a shop");
    equal(shelves(Array(8).fill(3), [], 1920, 960), Array(4).fill("1+3 4+3").join(" "), "eight of one size");
    equal(shelves([1, 6, 1], [], 1920, 960), "1+1 1+3 4+1", "one, six and one");
  },
  "sets of like size fold together, and a set's problems take the place of its fold": () => {
    const of = (problems, width, height) => plan(Array.from({ length: 21 }, (_, i) => ({ name: `s${i}`, shown: i < 15 ? 97 : 96, problems: Math.floor(problems / 21) + (i < problems % 21 ? 1 : 0) })), width, height);
    const [well, few, many] = [of(0, 1900, 960), of(21, 1900, 960), of(76, 1347, 673)];
    equal([well, few, many].map((p) => p.folded.size), [21, 21, 21], "folded");
    equal([few.size, few.columns, few.small], [well.size, well.columns, false], "with a problem in each");
    equal([many.size > 14, many.small], [true, true], "with 76 problems on a small wall");
    equal(plan([{ name: "", shown: 900, problems: 3 }], 800, 500).counts, [4], "places of a set without a heading");
  },
  "a long name of a set has room where it costs the tiles little": () => {
    const spans = (sets, ...names) => plan(Array.from({ length: sets }, (_, i) => ({ name: names[i % names.length], shown: 97, problems: 1 })), 1900, 960, 14, 30).places.map(({ span }) => span).slice(0, names.length);
    equal([spans(4, "Edge"), spans(16, "Edge", "Payments and refunds of all countries")], [[1], [1, 2]], "spans");
    equal(spans(21, "Payments and refunds of all countries"), [1], "where it would cost much");
  },
  "a wall leaves out what is well before it scrolls": () => {
    const of = (sets, problems) => plan(Array.from({ length: sets }, (_, i) => ({ name: `s${i}`, shown: 12, problems: i % 9 < problems ? 1 : 0, told: false })), 1010, 510, 14);
    const [few, many, most] = [of(20, 1), of(100, 1), of(100, 9)];
    equal([few.left.size, most.left.size, many.size, most.size], [0, 0, 14, 14], "left out and size");
    equal([many.left.has("s98"), many.left.has("s99"), many.left.has("s0"), many.folded.has("s98")], [true, false, false, true], "which");
    const ends = many.places.map((_, i) => i).filter((i) => many.counts[i] > 0);
    const shelves = ends.filter((i, k) => k === 0 || many.places[i].start <= many.places[ends[k - 1]].start).length;
    equal([shelves * (1.7 + 3.3 + 0.5) * 14 <= 510 - 2 * 14, (shelves + 1) * (1.7 + 3.3 + 0.5) * 14 > 510 - 2 * 14], [true, true], "as many as fit");
  },
  "a filter of many words makes a tile comparable once": () => {
    const { normalize } = String.prototype;
    let n = 0;
    try {
      String.prototype.normalize = function (form) { n++; return normalize.call(this, form); };
      const matches = matcher("a b c d e f");
      n = 0;
      matches(tile("abcdef"), 1000);
    } finally {
      String.prototype.normalize = normalize;
    }
    equal(n, 1, "texts made comparable");
  },
  "what recovered has a place on a wall where there is room for it beside the problems": () => {
    const of = (recovered) => plan([{ name: "s", shown: 900, problems: 20, recovered }], 1900, 960);
    equal([0, 10, 800].map((n) => of(n).counts[0]), [20, 30, 20], "places");
    equal([0, 10, 800].map((n) => of(n).traced), [true, true, false], "traced");
    const many = plan(Array.from({ length: 100 }, (_, i) => ({ name: `s${i}`, shown: 12, problems: 0, recovered: i === 99 ? 1 : 0 })), 1010, 510);
    equal([many.traced, many.counts[99], many.left.size > 50], [true, 1, true], "a trace before sets that are well");
  },
  "the kiosk's plan fits": () => {
    for (const [width, height] of [[1920, 980], [3840, 2000], [1080, 1800], [800, 500]]) {
      for (const shown of [[1], [3, 3, 3], [40], [9, 80, 7], [400], [500, 600, 900]]) {
        const sets = shown.map((n, i) => ({ name: `s${i}`, shown: n, problems: i + 1 > n ? n : i + 1 }));
        const p = plan(sets, width, height);
        let rows = 0, end = Infinity, tall = 0, headings = 0;
        sets.forEach((s, i) => {
          const n = p.folded.has(s.name) ? Math.max(s.problems, 1) : s.shown, { start, span } = p.places[i];
          if (start < end) { rows += tall; tall = 0; headings++; }
          end = start + span;
          if (end > p.columns + 1) throw new Error(`set ${i} beyond ${p.columns} columns: ${JSON.stringify(p)}`);
          tall = Math.max(tall, Math.ceil(n / span));
        });
        rows += tall;
        const used = rows * (p.row + 0.5 * p.size) + headings * 1.7 * p.size;
        const case_ = `${shown} in ${width}x${height}`;
        if (used > height + 1) throw new Error(`${case_}: uses ${used} of ${height}: ${JSON.stringify(p)}`);
        if (p.columns * (p.small ? 11 : 13) * p.size - 0.5 * p.size > width + 1) throw new Error(`${case_}: too wide: ${JSON.stringify(p)}`);
        if (p.size < 14) throw new Error(`${case_}: text of ${p.size} px, want at least 14`);
      }
    }
  },
};
