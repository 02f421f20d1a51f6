// The page shows what the members report and does nothing on its own. window.state is the last picture, for tests.
"use strict";

const $ = (id) => document.getElementById(id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const SPAN = 30; // seconds of writes that are shown
const FOLLOWED = 240; // writes that the demo follows at a time, at least

let state = null; // the last picture
let before = null; // one of about a second earlier, for rates
let writes = new Map();
let chosen = -1; // the member that buttons are about; -1 for chance
let paused = false;
const cells = { knows: null, believes: null };

function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function span(us) {
  if (us < 1000) return us.toFixed(0) + " µs";
  if (us < 1e6) return (us / 1e3).toPrecision(3) + " ms";
  return (us / 1e6).toPrecision(3) + " s";
}

function count(v) {
  return Math.round(v).toLocaleString("en");
}

function size(v) {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (v < 1000) return (v < 10 && unit !== "B" ? v.toFixed(1) : v.toFixed(0)) + " " + unit;
    v /= 1000;
  }
  return v.toFixed(0) + " TB";
}

// The colours of a cell, by what it says.
const knowsColor = (v) => css(v === 255 ? "--kx" : v === 0 ? "--k0" : v < 4 ? "--k1" : v < 32 ? "--k2" : "--k3");
const believesColor = (v) => css("--b" + v);

// map draws an n by n picture with names at its edges. Glyphs say what colours say.
function map(id, values, n, color, glyph) {
  const canvas = $(id), ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, edge = 30, cell = (width - edge) / n;
  canvas.style.height = width + "px";
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(width * ratio);
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  g.clearRect(0, 0, width, width);
  const colors = new Map();
  const gap = cell > 5 ? 1 : 0;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (let row = 0; row < n; row++) {
    for (let col = 0; col < n; col++) {
      const v = values[row * n + col];
      if (!colors.has(v)) colors.set(v, color(v));
      g.fillStyle = colors.get(v);
      g.fillRect(edge + col * cell, edge + row * cell, cell - gap, cell - gap);
      const mark = glyph(v);
      if (mark && cell > 8) {
        g.fillStyle = css("--ink");
        g.font = Math.min(11, cell * 0.8) + "px ui-monospace, monospace";
        g.fillText(mark, edge + (col + 0.5) * cell, edge + (row + 0.55) * cell);
      }
    }
  }
  const step = Math.ceil(11 / cell);
  g.font = "10px system-ui, sans-serif";
  for (let i = 0; i < n; i++) {
    const down = state.nodes[i].state !== "up";
    g.fillStyle = i === chosen ? css("--accent") : down ? css("--k3") : css("--soft");
    if (i % step && i !== chosen) continue;
    g.textAlign = "right";
    g.fillText(state.nodes[i].name, edge - 4, edge + (i + 0.5) * cell);
    g.save();
    g.translate(edge + (i + 0.5) * cell, edge - 4);
    g.rotate(-Math.PI / 2);
    g.textAlign = "left";
    g.fillText(state.nodes[i].name, 0, 0);
    g.restore();
  }
  if (chosen >= 0) {
    g.strokeStyle = css("--accent");
    g.strokeRect(edge - 0.5, edge + chosen * cell - 0.5, width - edge, cell);
  }
  cells[id] = { edge, cell, n };
}

function choose(event) {
  const at = cells[event.target.id];
  if (!at) return;
  const box = event.target.getBoundingClientRect();
  const x = Math.floor((event.clientX - box.left - at.edge) / at.cell);
  const y = Math.floor((event.clientY - box.top - at.edge) / at.cell);
  const picked = y >= 0 ? y : x;
  if (picked < 0 || picked >= at.n) return;
  chosen = picked === chosen ? -1 : picked;
  $("target").textContent = chosen < 0 ? "a member by chance" : state.nodes[chosen].name;
  draw();
}

// spread draws each write as a line from half to all on a logarithmic scale.
function spread() {
  const canvas = $("spread"), ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight, left = 52, bottom = 20;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  const low = 2, high = 7; // 100 µs to 10 s
  const y = (us) => 8 + (height - bottom - 8) * (1 - (Math.min(Math.max(Math.log10(Math.max(us, 1)), low), high) - low) / (high - low));
  const x = (t) => width - 6 - (width - left - 6) * (state.t - t) / SPAN;
  g.font = "10px system-ui, sans-serif";
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (let p = low; p <= high; p++) {
    g.strokeStyle = css("--line");
    g.beginPath();
    g.moveTo(left, y(10 ** p));
    g.lineTo(width - 6, y(10 ** p));
    g.stroke();
    g.fillStyle = css("--soft");
    g.fillText(span(10 ** p), left - 6, y(10 ** p));
  }
  g.textAlign = "center";
  for (let s = 0; s <= SPAN; s += 10) g.fillText(s ? "−" + s + " s" : "now", Math.max(left + 16, Math.min(x(state.t - s), width - 16)), height - 5);
  const c50 = css("--c50"), c99 = css("--c99"), call = css("--call"), bad = css("--k3");
  for (const w of writes.values()) {
    const at = x(w.t);
    if (at < left || !w.have) continue;
    const mark = (us, color) => {
      g.fillStyle = color;
      g.fillRect(at - 1, y(us) - 1, 2.5, 2.5);
    };
    mark(w.p50_us, c50);
    mark(w.p99_us, c99);
    if (w.all_us) mark(w.all_us, call);
    else if (state.t - w.t > 0.3) {
      g.fillStyle = bad;
      g.fillRect(at - 1, 2, 2, 5);
    }
  }
  const done = [...writes.values()].filter((w) => w.all_us && state.t - w.t < 10);
  const mid = (key, q) => {
    const list = done.map((w) => w[key]).sort((a, b) => a - b);
    return list.length ? span(list[Math.floor((list.length - 1) * q)]) : "–";
  };
  rows($("times"), [["half have it", mid("p50_us", 0.5)], ["99 % have it", mid("p99_us", 0.5)], ["all have it", mid("all_us", 0.5)],
    ["all, 99 of 100 writes", mid("all_us", 0.99)]], (pair) => {
    const d = document.createElement("div"), t = document.createElement("dt"), v = document.createElement("dd");
    t.textContent = pair[0];
    v.textContent = pair[1];
    d.append(t, v);
    return d;
  });
}

let shown = { at: -9, n: -1 };

// path lists who had one write when: the newest that all have, or one that some still lack; another one every other second.
function path() {
  if (state.t >= shown.at && state.t - shown.at < 2) return;
  const list = [...writes.values()].filter((w) => w.all_us || state.t - w.t > 0.5);
  const w = list[list.length - 1];
  if (!w || w.n === shown.n) return;
  shown = { at: state.t, n: w.n };
  const name = (i) => (state.nodes[i] || {}).name || "";
  const had = w.micro.map((us, i) => [us, i]).filter(([us, i]) => us >= 0 && i !== w.owner).sort((a, b) => a[0] - b[0]);
  const lack = w.micro.map((us, i) => [us, i]).filter(([us, i]) => us < 0 && i !== w.owner);
  $("whose").textContent = `of ${name(w.owner)} at ${w.t.toFixed(2)} s, in the order in which the members had it; by: who passed it on`;
  rows($("path"), [[0, w.owner], ...had, ...lack], ([us, i]) => {
    const li = document.createElement("li"), t = document.createElement("time");
    li.textContent = name(i);
    if (i === w.owner) li.className = "first";
    else if (us < 0) li.className = "none";
    t.textContent = i === w.owner ? "wrote" : us < 0 ? "not yet" : span(us);
    li.append(t);
    const by = w.via ? w.via[i] : -1;
    if (by >= 0) {
      li.title = `${name(i)} has it from ${name(by)}`;
      if (by !== w.owner) li.append(` by ${name(by)}`);
    }
    return li;
  });
}

function rows(into, list, make) {
  into.replaceChildren(...list.map(make));
}

function table(id, list) {
  rows($(id), list.length ? list : [["none", ""]], ([name, text]) => {
    const r = document.createElement("tr"), a = document.createElement("td"), b = document.createElement("td");
    if (!list.length) r.className = "none";
    a.textContent = name;
    b.textContent = text;
    r.append(a, b);
    return r;
  });
}

const rate = (group, key) => before && state.t > before.t ? Math.max(0, (state[group][key] || 0) - (before[group][key] || 0)) / (state.t - before.t) : 0;

function draw() {
  if (!state) return;
  const n = state.nodes.length, up = state.nodes.filter((x) => x.state === "up").length;
  map("knows", state.knows, n, knowsColor, (v) => v === 255 || v === 0 ? "" : v < 4 ? "·" : v < 32 ? "+" : "#");
  map("believes", state.beliefs, n, believesColor, (v) => ["", "", "?", "×", "–"][v]);
  spread();
  path();
  $("headline").textContent = `${up} of ${n} run · ${state.converged ? "all equal" : "not equal"} · ${state.suspect} suspicions, ${state.dead} deaths believed · ${state.rate} writes/s · ${state.t.toFixed(0)} s` + (paused ? " · paused" : "");
  const f = state.faults, harm = [];
  if (f.cut) harm.push("cut into halves");
  for (const i of f.one_way) harm.push(state.nodes[i].name + " hears nothing");
  for (const i of f.frozen) harm.push(state.nodes[i].name + " is frozen");
  if (f.loss) harm.push(Math.round(f.loss * 100) + " % loss");
  if (f.delay_ms) harm.push(f.delay_ms + " ms delay");
  if (state.overloaded) harm.push("overload");
  $("harm").textContent = harm.join(" · ");
  const on = { partition: f.cut, oneway: f.one_way.length, freeze: f.frozen.length, loss: f.loss, delay: f.delay_ms, overload: state.overloaded };
  for (const b of $("buttons").children) b.classList.toggle("on", Boolean(on[b.id]));
  table("frames", Object.keys(state.frames).filter((k) => k !== "all").sort().map((k) => [k, count(rate("frames", k))]).concat([["all", count(rate("frames", "all"))]]));
  table("flow", [["sent", size(rate("bytes", "sent")) + "/s"], ["of it entries", size(rate("bytes", "entries")) + "/s"],
    ["own writes, published", size(state.flow.published) + "/s"], ["own writes, wished", size(state.flow.wished) + "/s"],
    ["deferred", size(state.flow["deferred bytes"])], ["writes held", count(state.flow["writes held"])]]);
  table("detector", Object.keys(state.detector).sort().map((k) => [k, count(state.detector[k])]));
  table("drops", [["lost on purpose", state.lost], ...Object.entries(state.drops)].filter((x) => x[1]).sort((a, b) => b[1] - a[1]).slice(0, 9).map(([k, v]) => [k, count(v)]));
}

// tell writes the log. What many members say of one within three seconds is one line.
const said = new Map();
function tell(events) {
  const list = $("log");
  for (const e of events) {
    const [, who, what] = /^(n\d+): (.*?)(?:, told by n\d+)?$/.exec(e.text) || [null, "", e.text];
    const old = said.get(what);
    if (who && old && e.t - old.t < 3) {
      old.who.push(who);
      old.span.textContent = `${what}, say ${old.who.length} members`;
      continue;
    }
    const li = document.createElement("li"), t = document.createElement("time"), text = document.createElement("span");
    li.className = e.kind;
    t.textContent = e.t.toFixed(2) + " s";
    text.textContent = who ? `${what}, says ${who}` : what;
    li.append(t, text);
    list.prepend(li);
    if (who) said.set(what, { t: e.t, who: [who], span: text });
  }
  while (list.children.length > 200) list.lastChild.remove();
}

function take(text) {
  const p = JSON.parse(text);
  p.knows = bytes(p.behind);
  p.beliefs = bytes(p.seen);
  for (const w of p.spreads || []) writes.set(w.n, w);
  const whole = !p.faults.cut && !p.faults.one_way.length && !p.faults.frozen.length; // else what is missing is missing
  const newest = Math.max(...writes.keys());
  const followed = (w) => w.all_us || newest - w.n < FOLLOWED; // nobody looks any more who gets the older ones
  for (const [n, w] of writes) if (!followed(w) || p.t - w.t > SPAN || whole && !w.all_us && p.t - w.t > 3) writes.delete(n);
  tell(p.events || []);
  if (!before || p.t - before.t > 1.5) before = state && p.t - state.t < 1.5 ? state : p;
  state = window.state = p;
  if (!paused) requestAnimationFrame(draw);
}

async function act(name) {
  const r = await fetch("act/" + name + (chosen >= 0 ? "?member=" + chosen : ""), { method: "POST" });
  window.acted = { name, ok: r.ok, text: (await r.text()).trim() };
  if (!r.ok) tell([{ t: state ? state.t : 0, kind: "bad", text: window.acted.text }]);
}

async function start() {
  const list = await (await fetch("acts")).json();
  const keys = new Map();
  for (const a of list) {
    const b = document.createElement("button"), k = document.createElement("kbd");
    b.id = a.Name;
    b.title = a.Text;
    b.textContent = a.Name === "oneway" ? "one-way cut" : a.Name;
    k.textContent = a.Key;
    b.append(k);
    b.onclick = () => act(a.Name);
    keys.set(a.Key, a.Name);
    $("buttons").append(b);
  }
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat) return; // a key that is held kills one member, not all
    const key = e.key.toLowerCase(); // caps lock may be on
    if (key === " ") {
      e.preventDefault();
      paused = !paused;
      draw();
    } else if (keys.has(key)) act(keys.get(key));
  });
  $("knows").onclick = $("believes").onclick = choose;
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  const stream = new EventSource("pictures");
  stream.onmessage = (e) => take(e.data);
  stream.onerror = () => { $("headline").textContent = "the demo does not answer: is it still running?"; };
}

// probe is the colour of a cell as it was drawn, for tests.
window.probe = (id, row, col) => {
  const at = cells[id], ratio = window.devicePixelRatio || 1;
  if (!at) return null;
  const d = $(id).getContext("2d").getImageData((at.edge + (col + 0.2) * at.cell) * ratio, (at.edge + (row + 0.2) * at.cell) * ratio, 1, 1).data;
  return [d[0], d[1], d[2]];
};

start();
