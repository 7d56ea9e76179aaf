// All kinds of nodes, with their documentation.

import * as api from "./api.js";
import { $, capital, h } from "./dom.js";
import { hue, range } from "./kinds.js";
import { inline, markdown } from "./markdown.js";

export class Reference {
  constructor() {
    $("search").addEventListener("input", () => this.#list());
  }

  load(kinds) {
    this.kinds = kinds;
    this.#list();
  }

  #list() {
    const wanted = $("search").value.trim().toLowerCase().split(/\s+/);
    const text = (kind) =>
      [kind.name, kind.title, kind.category, ...kind.aliases, kind.description].join(" ").toLowerCase();
    const found = [...this.kinds.values()].filter((kind) => !kind.deprecated && wanted.every((word) => text(kind).includes(word)));
    const groups = Map.groupBy?.(found, (kind) => kind.category) ?? group(found);
    $("kinds").replaceChildren(...[...groups].sort(([a], [b]) => a.localeCompare(b)).map(([category, kinds]) =>
      h("section", {}, h("h3", {}, capital(category)),
        h("ul", {}, kinds.sort((a, b) => a.title.localeCompare(b.title)).map((kind) =>
          h("li", {}, h("a", { href: `#/nodes/${encodeURIComponent(kind.name)}`, "data-kind": kind.name,
            "aria-current": this.shown === kind.name ? "true" : null }, kind.title)))))));
    $("no-kinds").hidden = found.length > 0;
  }

  async show(name) {
    this.shown = name;
    for (const link of $("kinds").querySelectorAll("a")) {
      if (link.dataset.kind === name) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const kind = this.kinds.get(name);
    if (!kind) {
      $("kind").replaceChildren(h("p", { class: "empty" }, name ? `There is no kind ${name}.` : "Choose a kind of node."));
      return;
    }
    const text = await api.help(kind);
    if (this.shown !== name) return;
    const written = text ? markdown(text.replace(/^# .*\n/, ""))
      : [h("p", {}, h("code", {}, kind.name), ` in ${kind.category}`), ...markdown(kind.description), ...tables(kind)];
    $("kind").replaceChildren(h("h2", {}, kind.title), ...written);
    $("kind").scrollTop = 0;
  }
}

function group(kinds) {
  const groups = new Map();
  for (const kind of kinds) groups.set(kind.category, [...(groups.get(kind.category) ?? []), kind]);
  return groups;
}

/** Inputs and outputs, where the server has no page of its own for the kind. */
function tables({ inputs, outputs }) {
  const type = (name) => {
    const mark = h("span", { class: "type" }, name.replaceAll(",", " or "));
    mark.style.setProperty("--hue", hue(name));
    return mark;
  };
  const table = (title, rows) => (rows.length
    ? [h("h3", {}, title), h("div", { class: "table" }, h("table", {}, h("tbody", {}, rows)))] : []);
  const values = (input) => [
    input.widget ? h("span", {}, input.type.toLowerCase()) : type(input.type),
    h("small", {}, [input.choices.slice(0, 12).join(", "), range(input), input.unit && `in ${input.unit}`,
      input.value === undefined || input.value === "" ? "" : `default ${input.value}`].filter(Boolean).join("; ")),
  ];
  return [
    ...table("Inputs", inputs.map((input) => h("tr", {}, h("td", {}, h("code", {}, input.name)),
      h("td", {}, values(input)), h("td", {}, inline(input.tip))))),
    ...table("Outputs", outputs.map((output) => h("tr", {}, h("td", {}, h("code", {}, output.name)),
      h("td", {}, type(output.type)), h("td", {}, inline(output.tip))))),
  ];
}
