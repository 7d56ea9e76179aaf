// The little Markdown that the documentation of kinds uses: headings, paragraphs, lists, tables, code. Made as elements.

import { h } from "./dom.js";

/** Inline code and strong text; the rest stays text. */
export function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.length > 2 && part.startsWith("`")) return h("code", {}, part.slice(1, -1));
    if (part.length > 4 && part.startsWith("**")) return h("strong", {}, part.slice(2, -2));
    return part;
  });
}

const ITEM = /^(?:[-*]|\d+\.) /;
const cells = (line) => line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

function block(lines) {
  const heading = /^(#{1,6}) +(.*)$/.exec(lines[0]);
  if (heading) return h(`h${Math.min(6, heading[1].length + 2)}`, {}, inline(heading[2]));
  if (lines[0].startsWith("```")) return h("pre", {}, h("code", {}, lines.slice(1).join("\n")));
  if (lines.length > 1 && lines.every((line) => line.startsWith("|"))) {
    const rows = (some, cell) => some.map((line) => h("tr", {}, cells(line).map((one) => h(cell, {}, inline(one)))));
    return h("div", { class: "table" },
      h("table", {}, h("thead", {}, rows([lines[0]], "th")), h("tbody", {}, rows(lines.slice(2), "td"))));
  }
  const text = lines.join("\n");
  if (ITEM.test(lines[0])) {
    const items = text.split(/\n(?=(?:[-*]|\d+\.) )/);
    return h(/^\d/.test(text) ? "ol" : "ul", {}, items.map((item) => h("li", {}, inline(item.replace(ITEM, "")))));
  }
  return h("p", {}, inline(text));
}

/** The elements of a text; blocks are apart by empty lines, except in fenced code. */
export function markdown(text) {
  const blocks = [];
  let open = null;
  let fenced = false;
  for (const line of text.trim().split("\n")) {
    const fence = line.startsWith("```");
    const alone = !fenced && (line.trim() === "" || /^#{1,6} /.test(line) || fence);
    if (alone) open = null;
    if (fence && fenced) open = null;
    else if (line.trim() !== "" || fenced) {
      if (!open) blocks.push((open = []));
      open.push(line);
    }
    if (fence) fenced = !fenced;
    if (/^#{1,6} /.test(line) && !fenced) open = null;
  }
  return blocks.map(block);
}
