// Dreamwire's own page: graphs of the folder, the open graph, results, and the reference of nodes.

import * as api from "./api.js";
import { $, recall, remember, say, turns } from "./dom.js";
import { Flow } from "./flow.js";
import { Gallery } from "./gallery.js";
import { Graph, graphOf } from "./graph.js";
import { Library } from "./library.js";
import { pngTexts } from "./png.js";
import { Queue } from "./queue.js";
import { Reference } from "./reference.js";
import { Run } from "./run.js";
import { Socket } from "./socket.js";
import { tooltips } from "./tip.js";

const socket = new Socket();
const flow = new Flow();
const library = new Library();
const reference = new Reference();
const gallery = new Gallery((graph) => dropped(graph));
const run = new Run(socket, flow, { ended: refresh });
const queue = new Queue({
  titleOf: (id) => titles.get(run.jobs.get(id)) ?? library.title(run.jobs.get(id)),
  enlarge: (pictures, index) => gallery.enlarge(pictures, index),
});
const titles = new Map();
let kinds = new Map();
let open = null;
const routing = turns();
const reloading = turns();

// --- The open graph

function show(graph, key) {
  open = { graph, key };
  titles.set(key, graph.title);
  $("graph-title").textContent = graph.title;
  $("graph-file").textContent = graph.name ?? "not in the folder";
  const link = $("open-graph");
  link.hidden = false;
  link.textContent = graph.title;
  link.href = graph.name ? `#/graph/${encodeURIComponent(graph.name)}` : "#/graph";
  flow.show(graph, kinds, { edited, enlarge: (pictures, index) => gallery.enlarge(pictures, index) });
  run.open(graph, key);
  marks();
}

/** Opens a graph that is not a file of the folder. */
function dropped(graph) {
  routing();
  show(graph, `dropped ${Date.now()}`);
  if (location.hash === "#/graph") route();
  else location.hash = "#/graph";
}

/** Shows a graph of the folder, if it `isWanted()` when it is here. Returns whether it is. */
async function load(name, isWanted) {
  const graph = new Graph(await api.graph(name), { name, title: library.title(name) });
  if (!isWanted()) return false;
  graph.apply(recall(`edits ${name}`));
  show(graph, name);
  return true;
}

let soon = 0;

function edited() {
  if (open.graph.name) remember(`edits ${open.graph.name}`, open.graph.edits());
  marks();
  if (!$("live").checked) return;
  clearTimeout(soon);
  soon = setTimeout(async () => {
    await run.stop();
    await run.submit();
  }, 400);
}

function marks() {
  const count = open.graph.edits().length;
  $("edits").textContent = count ? `${count} ${count === 1 ? "value" : "values"} changed` : "";
  $("reset-all").hidden = count === 0;
}

$("reset-all").addEventListener("click", () => {
  for (const [id, name] of open.graph.edits()) open.graph.reset(id, name);
  for (const card of flow.cards.values()) card.refresh();
  edited();
});

$("save").addEventListener("click", () => {
  const file = new Blob([open.graph.text()], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = open.graph.name ?? "graph.json";
  link.click();
  URL.revokeObjectURL(link.href);
});

$("run").addEventListener("click", () => run.submit());
$("stop").addEventListener("click", () => run.stop());
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || $("view-graph").hidden) return;
  event.preventDefault();
  run.submit();
});

// --- What the server tells

socket.addEventListener("status", ({ detail }) => {
  const remaining = detail.status.exec_info.queue_remaining;
  queue.count(remaining);
  run.settle();
  if (remaining === 0) run.idle();
  if ($("queue").matches(":popover-open")) queue.load().catch(failed);
});
socket.addEventListener("open", () => {
  document.body.classList.remove("offline");
  refresh();
});
socket.addEventListener("close", () => document.body.classList.add("offline"));
socket.addEventListener("dreamwire.nodes_changed", async () => {
  kinds = await api.kinds();
  reference.load(kinds);
  if (open) show(open.graph, open.key);
  say("Plugins were built anew: the kinds of nodes are up to date.");
});
socket.addEventListener("dreamwire.graph_changed", ({ detail: { name } }) => {
  library.load().catch(failed);
  if (open?.graph.name !== name) return;
  const again = () => {
    const isNewest = reloading();
    return load(name, () => isNewest() && open.graph.name === name).catch(failed);
  };
  if (open.graph.edits().length === 0) {
    again().then((shown) => shown && say(`${name} was saved: this is the new graph.`));
  } else {
    const action = { label: "Load it", run: () => { remember(`edits ${name}`, []); again(); } };
    say(`${name} was saved. You have changed values here.`, { action });
  }
});

function refresh() {
  gallery.load().catch(failed);
  if ($("queue").matches(":popover-open")) queue.load().catch(failed);
}

function failed(error) {
  say(error.message, { bad: true });
}

$("queue").addEventListener("beforetoggle", (event) => {
  if (event.newState === "open") queue.load().catch(failed);
});

// --- Views

async function route() {
  const isNewest = routing();
  const [, view = "", name = ""] = /^#\/(\w*)\/?(.*)$/.exec(location.hash) ?? [];
  const graph = decodeURIComponent(name);
  if (view === "graph" && graph && open?.graph.name !== graph) {
    await load(graph, isNewest).catch((error) => {
      failed(error);
      if (isNewest()) location.hash = "#/";
    });
    // The user has gone elsewhere meanwhile.
    if (!isNewest()) return;
  }
  const shown = view === "graph" && open ? "graph" : ["results", "nodes"].includes(view) ? view : "library";
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== `view-${shown}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === shown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = { graph: open?.graph.title, results: "Results", nodes: "Nodes" }[shown];
  document.title = title ? `${title} · Dreamwire` : "Dreamwire";
  if (shown === "library") library.load().catch(failed);
  if (shown === "results") gallery.load().catch(failed);
  if (shown === "nodes") reference.show(graph);
  if (shown === "graph") flow.draw();
}

// --- Files that are dropped or chosen

async function take(file) {
  try {
    const graph = await graphOf(file, pngTexts);
    if (graph) dropped(graph);
    else say("This picture carries no graph. To use it as an input, drop it on a node that loads pictures.", { bad: true });
  } catch (error) {
    say(`${file.name} is no graph: ${error.message}`, { bad: true });
  }
}

const files = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!files(event)) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  document.body.classList.remove("dropping");
  if (event.defaultPrevented || !event.dataTransfer?.files.length) return;
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
$("open-file").addEventListener("change", ({ target }) => {
  if (target.files[0]) take(target.files[0]);
  target.value = "";
});

// --- Start

tooltips();
try {
  [kinds] = await Promise.all([api.kinds(), library.load()]);
  reference.load(kinds);
  addEventListener("hashchange", route);
  await route();
} catch (error) {
  failed(error);
}
socket.connect();
document.body.classList.add("ready");
if (await api.hasEditor()) {
  $("editor-there").hidden = false;
  $("editor-missing").hidden = true;
}
