"use strict";
// All times are microseconds since the start.
const $ = (id) => document.getElementById(id);
const n = film.nodes.length, end = Math.max(film.end, 1);
const kinds = [
  ["entries", "#3a9a63", /(^|; |#\d+ |print [0-9a-f]+ )(run|precise run)/],
  ["asks for entries", "#b7791f", /pull/],
  ["digest", "#4a7be8", /digest|sync|sketch/],
  ["greeting", "#8e44ad", /hello|intro|refusal/],
  ["probe", "#8a8f99", /probe|vote|facts/],
  ["other", "#16899a", /./],
];
for (const f of film.frames) {
  f.kind = f.text === "sealed" || f.text === "" ? 5 : kinds.findIndex((k) => k[2].test(f.text));
  if (f.kind < 0) f.kind = 5;
}
const states = {
  a: ["alive", "#cfe6d4", "#24503a"], s: ["suspect", "#f0c34f", "#b98f22"], c: ["port closed", "#e79a4b", "#b8692a"], d: ["dead", "#c8442f", "#d8523b"],
  l: ["left", "#9aa3b5", "#5c6578"], b: ["buried", "#6b6f78", "#44474e"], "?": ["only heard of", "#e7dff2", "#3d3350"], ".": ["unknown", "#ececea", "#25282e"],
  "-": ["down or paused", "#fff", "#14161a"], "=": ["itself", "#dfe7fb", "#26304a"],
};
const dark = matchMedia("(prefers-color-scheme: dark)");
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
const shown = new Set(kinds.keys());
let at = film.broken ? film.broken.at : film.frames.length ? film.frames[0].at : 0;
let from = 0, to = end, playing = 0;

const clock = (t) => t >= 1e6 ? (t / 1e6).toFixed(t < 1e7 ? 6 : 4) + " s" : t >= 1e3 ? (t / 1e3).toFixed(3) + " ms" : t + " µs";
const short = (t) => t >= 1e6 ? +(t / 1e6).toFixed(6) + " s" : t >= 1e3 ? +(t / 1e3).toFixed(3) + " ms" : t + " µs";
const name = (i) => i < 0 ? "nobody" : film.nodes[i];

function canvas(id, height) {
  const c = $(id), width = c.clientWidth, scale = devicePixelRatio || 1;
  c.width = width * scale; c.height = height * scale; c.style.height = height + "px";
  const g = c.getContext("2d");
  g.scale(scale, scale); g.font = "11px system-ui, sans-serif"; g.textBaseline = "middle";
  return [g, width];
}

const gutter = 74, laneTop = 22;
const lane = () => Math.max(5, Math.min(34, 620 / n));
const x = (t, width) => gutter + (t - from) / (to - from) * (width - gutter - 8);
const y = (i) => laneTop + (i + .5) * lane();

function ticks(span) {
  const rough = span / 8, ten = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= rough);
}

function drawLanes() {
  const height = laneTop + n * lane() + 22, [g, width] = canvas("lanes", height);
  const soft = css("--soft"), line = css("--line");
  for (const f of film.faults) {
    g.fillStyle = css("--harm");
    for (const i of f.nodes || []) {
      const a = Math.max(gutter, x(f.at, width)), b = Math.min(width - 8, x(f.at + Math.max(f.for, (to - from) / 400), width));
      if (b > a) g.fillRect(a, y(i) - lane() * .46, b - a, lane() * .92);
    }
  }
  g.strokeStyle = line; g.fillStyle = soft; g.lineWidth = 1;
  for (let i = 0; i < n; i++) {
    g.beginPath(); g.moveTo(gutter, y(i)); g.lineTo(width - 8, y(i)); g.stroke();
    if (lane() >= 10 || i % Math.ceil(12 / lane()) === 0) g.fillText(name(i), 2, y(i));
  }
  const step = ticks(to - from);
  g.textAlign = "center";
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) g.fillText(short(t), Math.min(width - 30, x(t, width)), 8);
  g.textAlign = "left";
  g.save(); g.beginPath(); g.rect(gutter, 0, width - gutter, height); g.clip();
  for (const f of film.frames) {
    const until = f.lost ? f.at + (to - from) / 120 : f.arrived;
    if (!shown.has(f.kind) || until < from || f.at > to || f.to < 0) continue;
    const x0 = x(f.at, width), y0 = y(f.from), y1 = y(f.to);
    g.strokeStyle = kinds[f.kind][1]; g.globalAlpha = f.at <= at ? .85 : .25;
    const x1 = x(until, width), part = f.lost ? .45 : 1;
    g.beginPath(); g.moveTo(x0, y0); g.lineTo(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part); g.stroke();
    if (f.lost) {
      const cx = x0 + (x1 - x0) * part, cy = y0 + (y1 - y0) * part;
      g.strokeStyle = css("--bad"); g.beginPath(); g.moveTo(cx - 3, cy - 3); g.lineTo(cx + 3, cy + 3); g.moveTo(cx - 3, cy + 3); g.lineTo(cx + 3, cy - 3); g.stroke();
    }
  }
  g.globalAlpha = 1; g.fillStyle = css("--ink");
  for (const e of film.events) if (e.at >= from && e.at <= to) { g.beginPath(); g.arc(x(e.at, width), y(e.node), 2.2, 0, 7); g.fill(); }
  const mark = (t, colour, text) => {
    if (t < from || t > to) return;
    g.strokeStyle = g.fillStyle = css(colour); g.lineWidth = 1.5;
    g.beginPath(); g.moveTo(x(t, width), laneTop - 6); g.lineTo(x(t, width), height - 16); g.stroke();
    const wide = g.measureText(text).width;
    g.fillText(text, Math.min(x(t, width) + 3, width - wide - 4), height - 8);
  };
  if (film.until < end) mark(film.until, "--soft", "harm and writes end");
  if (film.broken) mark(film.broken.at, "--bad", "broken: " + film.broken.law);
  mark(at, "--accent", "");
  g.restore();
}

function pictureAt(t) {
  let lo = 0, hi = film.pictures.length - 1;
  while (lo < hi) { const m = (lo + hi + 1) >> 1; if (film.pictures[m].at <= t) lo = m; else hi = m - 1; }
  return film.pictures[lo];
}

let cell = 0, matrixLeft = 0;
function drawBeliefs() {
  const width = $("beliefs").clientWidth;
  matrixLeft = Math.min(70, width / 5);
  cell = Math.min(34, (width - matrixLeft - 2) / n);
  const [g] = canvas("beliefs", cell * n + 22), p = pictureAt(at);
  if (!p) return;
  g.fillStyle = css("--soft");
  const every = Math.ceil(13 / cell);
  for (let i = 0; i < n; i += every) {
    g.textAlign = "left"; g.fillText(name(i), 0, 20 + (i + .5) * cell);
    g.textAlign = "center"; g.fillText(String(i), matrixLeft + (i + .5) * cell, 9);
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
    const k = i * n + j, s = states[p.status[k]];
    g.fillStyle = s[dark.matches ? 2 : 1];
    g.fillRect(matrixLeft + j * cell, 20 + i * cell, cell - (cell > 6 ? 1 : 0), cell - (cell > 6 ? 1 : 0));
    if (p.behind[k] && cell >= 14) { g.fillStyle = css("--ink"); g.fillText(p.behind[k] > 99 ? "99+" : p.behind[k], matrixLeft + (j + .5) * cell, 20 + (i + .5) * cell); }
    else if (p.behind[k]) { g.fillStyle = css("--bad"); g.fillRect(matrixLeft + j * cell, 20 + i * cell, Math.max(1, cell / 2), Math.max(1, cell / 2)); }
  }
}

function item(parts) {
  const li = document.createElement("li");
  for (const [tag, text] of parts) { const e = tag ? document.createElement(tag) : document; li.append(tag ? Object.assign(e, { textContent: text }) : text); }
  return li;
}

function lastBefore(list, t) {
  let lo = 0, hi = list.length;
  while (lo < hi) { const m = (lo + hi) >> 1; if (list[m].at <= t) lo = m + 1; else hi = m; }
  return lo;
}

const told = film.events.map((e) => ({ at: e.at, parts: [["b", clock(e.at) + " "], ["", `${name(e.node)}: ${e.text}`]] }))
  .concat(film.faults.map((f) => ({ at: f.at, parts: [["b", clock(f.at) + " "], ["em", f.text]] })))
  .concat(film.broken ? [{ at: film.broken.at, parts: [["b", clock(film.broken.at) + " "], ["em", `${film.broken.law}: ${film.broken.text}`]] }] : [])
  .sort((a, b) => a.at - b.at);

function drawLists() {
  const frames = film.frames.slice(0, lastBefore(film.frames, at)).filter((f) => shown.has(f.kind)).slice(-60).reverse();
  $("frames").replaceChildren(...frames.map((f) => item([["b", clock(f.at)], ["", ` ${name(f.from)} > ${name(f.to)} ${f.bytes} B `], ["em", f.lost ? f.lost + " " : ""], ["", f.text]])));
  $("events").replaceChildren(...told.slice(0, lastBefore(told, at)).slice(-80).reverse().map((e) => item(e.parts)));
}

function draw() {
  $("now").textContent = clock(Math.round(at)) + " of " + clock(end);
  $("cursor").value = Math.round(at / end * 10000);
  drawLanes(); drawBeliefs(); drawLists();
}

function go(t) {
  at = Math.min(end, Math.max(0, t));
  if (at < from || at > to) { const half = (to - from) / 2; from = Math.max(0, Math.min(end - 2 * half, at - half)); to = from + 2 * half; }
  draw();
}

function zoom(factor, around = at) {
  const span = Math.min(end, Math.max(200, (to - from) * factor)), share = (around - from) / (to - from);
  from = Math.max(0, Math.min(end - span, around - span * share)); to = from + span;
  draw();
}

function step(by) {
  const i = lastBefore(film.frames, at) - 1;
  let k = i + by;
  if (by < 0) while (k >= 0 && film.frames[k].at >= at) k--;
  if (k >= 0 && k < film.frames.length) go(film.frames[k].at);
}

function play() {
  playing = playing ? 0 : requestAnimationFrame(tick);
  $("play").textContent = playing ? "Pause" : "Play";
  last = 0;
}
let last = 0;
function tick(now) {
  if (!playing) return;
  if (last) go(at + (now - last) / 12000 * (to - from)); // what is in view takes twelve seconds
  last = now;
  if (at >= end) return play();
  playing = requestAnimationFrame(tick);
}

const actions = {
  play: play, back: () => step(-1), next: () => step(1), in: () => zoom(.5), out: () => zoom(2),
  whole: () => { from = 0; to = end; draw(); }, broke: () => { from = 0; to = end; go(film.broken.at); while (to - from > end / 50 && to - from > 2000) zoom(.5); },
};
for (const id in actions) $(id).onclick = actions[id];
$("broke").disabled = !film.broken;
$("cursor").oninput = (e) => go(e.target.value / 10000 * end);
const keys = { " ": "play", ArrowLeft: "back", ArrowRight: "next", "+": "in", "-": "out", 0: "whole", b: "broke" };
addEventListener("keydown", (e) => {
  const id = keys[e.key];
  if (!id || e.target.id === "cursor" && e.key.startsWith("Arrow") || e.target.tagName === "BUTTON" && e.key === " " || $(id).disabled) return;
  e.preventDefault(); actions[id]();
});
const time = (e) => from + (e.offsetX - gutter) / ($("lanes").clientWidth - gutter - 8) * (to - from);
$("lanes").onwheel = (e) => { e.preventDefault(); zoom(e.deltaY < 0 ? .8 : 1.25, time(e)); };
let drag = null;
$("lanes").onpointerdown = (e) => { drag = { x: e.offsetX, from, to, moved: false }; };
$("lanes").onpointermove = (e) => {
  if (!drag || !e.buttons) return;
  if (Math.abs(e.offsetX - drag.x) > 3) drag.moved = true;
  const span = drag.to - drag.from;
  from = Math.max(0, Math.min(end - span, drag.from - (e.offsetX - drag.x) / ($("lanes").clientWidth - gutter - 8) * span)); to = from + span;
  draw();
};
$("lanes").onpointerup = (e) => { if (drag && !drag.moved) go(time(e)); drag = null; };
$("beliefs").onpointermove = (e) => {
  const j = Math.floor((e.offsetX - matrixLeft) / cell), i = Math.floor((e.offsetY - 20) / cell), p = pictureAt(at);
  if (!p || i < 0 || j < 0 || i >= n || j >= n) return;
  $("cell").textContent = `${name(i)} of ${name(j)}: ${states[p.status[i * n + j]][0]}, lacks ${p.behind[i * n + j]} versions (at ${clock(p.at)})`;
};
$("kinds").append(...kinds.map((k, i) => {
  const label = document.createElement("label"), box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
  box.onchange = () => { if (box.checked) shown.add(i); else shown.delete(i); draw(); };
  const colour = document.createElement("i"); colour.style.background = k[1];
  label.append(box, " ", colour, k[0]);
  return label;
}));
function legend() {
  $("states").replaceChildren(...Object.values(states).map((s) => {
    const span = document.createElement("span"), colour = document.createElement("i"); colour.style.background = s[dark.matches ? 2 : 1];
    span.append(colour, s[0]);
    return span;
  }));
}
$("left").textContent = (film.dropped ? `The last ${film.frames.length} frames are here; ${film.dropped} before them are not. ` : "") + "A cross is a frame that was lost, a dot something that a node told, a bar harm.";
dark.onchange = () => { legend(); draw(); };
addEventListener("resize", draw);
legend();
if (film.broken) actions.broke(); else go(film.dropped ? at : end / 2);
