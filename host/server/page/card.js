// A node of the open graph: its picture, its state, its inputs, and what is wrong with it.

import * as api from "./api.js";
import { capital, h, icon, say, words } from "./dom.js";
import { field, plain, tip } from "./fields.js";
import { hue } from "./kinds.js";

const STATES = { running: "running", cached: "cached", done: "done", failed: "failed", waiting: "" };

export class Card {
  /** `edited()` is called after every change of a value; `enlarge(pictures, index)` shows pictures large. */
  constructor(id, graph, kinds, { edited, enlarge }) {
    this.id = id;
    this.graph = graph;
    this.kind = kinds.get(graph.nodes.get(id).class_type);
    this.fields = new Map();
    this.ports = new Map();
    this.edited = edited;
    this.enlarge = enlarge;
    this.#build(kinds);
    this.refresh();
  }

  #build(kinds) {
    const { id, graph, kind } = this;
    const type = graph.nodes.get(id).class_type;
    const title = capital(graph.titleOf(id, kind));
    this.picture = h("figure", { class: "picture", hidden: true });
    this.badge = h("span", { class: "badge" });
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": `Progress of ${title}` });
    this.note = h("p", { class: "note", hidden: true });
    this.problems = h("div", { class: "problems", role: "alert", hidden: true });
    this.element = h("article", { class: "card", "data-id": id, "data-kind": type, "aria-label": title },
      this.picture,
      h("header", {},
        h("h3", {}, title),
        h("a", { class: "kind", href: `#/nodes/${encodeURIComponent(type)}` }, kind?.title ?? type),
        this.badge),
      this.bar, this.note, this.problems,
      this.#inputPorts(kinds), ...this.#controls(), this.#outputPorts());
    if (!kind) this.problem({ message: `No plugin has the kind ${type}.`, details: "Is its plugin loaded?" });
    if (kind?.output) this.element.classList.add("output");
    this.#droppable();
  }

  #inputPorts(kinds) {
    const rows = this.graph.links(this.id).map(({ input, from }) => {
      const source = this.graph.nodes.get(from);
      const known = this.kind?.inputs.find(({ name }) => name === input || input.startsWith(`${name}.`));
      const port = this.#port(known?.type ?? "*");
      this.ports.set(`in ${input}`, port);
      return h("li", { "data-tip": known ? tip(known) : null }, port, h("span", {}, words(input)),
        h("span", { class: "from" }, `from ${this.graph.titleOf(from, kinds.get(source.class_type))}`));
    });
    return rows.length ? h("ul", { class: "ports in" }, rows) : null;
  }

  #outputPorts() {
    const rows = (this.kind?.outputs ?? []).map(({ name, type, tip: about }, slot) => {
      const port = this.#port(type);
      this.ports.set(`out ${slot}`, port);
      this.ports.set(`out ${name}`, port);
      return h("li", { "data-tip": plain(about) || null }, h("span", {}, words(name).toLowerCase()), port);
    });
    return rows.length ? h("ul", { class: "ports out" }, rows) : null;
  }

  #port(type) {
    const port = h("i", { class: "port" });
    port.style.setProperty("--hue", hue(type));
    port.dataset.hue = hue(type);
    return port;
  }

  /** The inputs that the file sets come first; the others are folded away when there are many. */
  #controls() {
    const { inputs } = this.graph.nodes.get(this.id);
    const own = (this.kind?.inputs ?? []).filter((input) => input.widget && !this.graph.isLink(inputs[input.name]));
    const set = own.filter(({ name, required, value }) => name in inputs || (required && value === undefined));
    const rest = own.filter((input) => !set.includes(input));
    const open = set.length === 0 && rest.length <= 4 ? own : set;
    const folded = own.filter((input) => !open.includes(input));
    const list = (some) => h("div", { class: "fields" }, some.map((input) => this.#field(input)));
    return [
      open.length ? list(open) : null,
      folded.length
        ? h("details", { class: "more" },
          h("summary", {}, `${folded.length} ${set.length ? "more " : ""}${folded.length === 1 ? "setting" : "settings"}`), list(folded))
        : null,
    ];
  }

  #field(input) {
    const made = field(input, {
      change: (value) => {
        this.graph.set(this.id, input.name, value);
        made.mark(null);
        this.refresh();
        this.edited();
      },
      reset: () => {
        this.graph.reset(this.id, input.name);
        made.mark(null);
        this.refresh();
        this.edited();
      },
      upload: (file) => api.upload(file).catch((error) => say(error.message, { bad: true })),
    });
    made.input = input;
    this.fields.set(input.name, made);
    return made.element;
  }

  #droppable() {
    this.taker = [...this.fields.values()].find((some) => some.take);
    if (!this.taker) return;
    this.element.classList.add("takes-files");
    this.element.addEventListener("drop", (event) => {
      const file = event.dataTransfer.files[0];
      if (!file?.type.startsWith("image/")) return;
      event.preventDefault();
      event.stopPropagation();
      document.body.classList.remove("dropping");
      this.taker.take(file);
    });
  }

  /** Shows the values of the graph again, and the picture that a loading node reads. */
  refresh() {
    for (const { input, show } of this.fields.values()) {
      show(this.graph.value(this.id, input), this.graph.isEdited(this.id, input.name));
    }
    const name = this.taker && this.graph.value(this.id, this.taker.input);
    if (name !== this.source) {
      this.source = name;
      if (name) this.#image(api.inputView(String(name)), `The picture ${name}`, null);
    }
  }

  /** What a job says of the node: { state, value, max }. */
  state(state, value = 0, max = 1) {
    this.element.dataset.state = state;
    this.badge.textContent = STATES[state] ?? state;
    this.bar.hidden = state !== "running";
    if (max > 1) this.bar.value = value / max;
    else this.bar.removeAttribute("value");
    if (state !== "running") this.say("");
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  /** A picture of the work in progress. */
  preview(blob) {
    const address = URL.createObjectURL(blob);
    this.#image(address, `Preview of ${this.graph.titleOf(this.id, this.kind)}`, null);
    this.picture.classList.add("preview");
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = address;
  }

  /** The pictures that the node made, as the protocol names them. */
  pictures(list) {
    if (!list?.length) return;
    this.picture.classList.remove("preview");
    this.picture.classList.toggle("many", list.length > 1);
    this.picture.hidden = false;
    this.picture.replaceChildren(...list.map((picture, index) =>
      h("button", { type: "button", "aria-label": `Enlarge ${picture.filename}`, onclick: () => this.enlarge(list, index) },
        h("img", { src: api.view(picture), alt: picture.filename }))));
  }

  #image(address, alt, click) {
    const present = this.picture.querySelector(":scope > img");
    this.picture.hidden = false;
    if (present) Object.assign(present, { src: address, alt });
    else this.picture.replaceChildren(h("img", { src: address, alt, onclick: click, onerror: () => this.#broken() }));
  }

  #broken() {
    this.picture.hidden = true;
    this.picture.replaceChildren();
  }

  clear() {
    this.problems.replaceChildren();
    this.problems.hidden = true;
    for (const made of this.fields.values()) made.mark(null);
    this.element.classList.remove("bad");
  }

  /** An error in the protocol's shape, on the input that it names or on the node. */
  problem({ message, details, extra_info = {} }) {
    const hint = extra_info.hint ?? "";
    const sentence = [message, details !== message && details, hint && `Hint: ${hint}`].filter(Boolean);
    const own = this.fields.get(extra_info.input_name);
    this.element.classList.add("bad");
    if (own) {
      own.mark(sentence.join("\n"));
      own.element.closest("details")?.setAttribute("open", "");
    } else {
      this.problems.hidden = false;
      this.problems.append(h("p", {}, icon("warning"), h("span", {}, sentence.join("\n"))));
    }
  }
}
