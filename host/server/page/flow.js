// The open graph on the screen: cards in columns, links behind them.

import { Card } from "./card.js";
import { $, h, svg } from "./dom.js";

export class Flow {
  #wires = $("wires");
  #watch = new ResizeObserver(() => this.draw());

  constructor() {
    this.cards = new Map();
    this.#watch.observe($("columns"));
    $("columns").addEventListener("pointerover", (event) => this.#light(event.target.closest(".card")));
    $("columns").addEventListener("focusin", (event) => this.#light(event.target.closest(".card")));
    $("columns").addEventListener("pointerleave", () => this.#light(null));
  }

  show(graph, kinds, actions) {
    this.graph = graph;
    this.cards = new Map();
    this.#watch.disconnect();
    this.#watch.observe($("columns"));
    $("columns").replaceChildren(...graph.columns().map((column) =>
      h("div", { class: "column" }, column.map((id) => {
        const card = new Card(id, graph, kinds, actions);
        this.cards.set(id, card);
        this.#watch.observe(card.element);
        return card.element;
      }))));
    this.draw();
  }

  /** Draws all links anew; the cards may have moved. */
  draw() {
    const area = $("columns");
    if (!this.graph || area.offsetParent === null) return;
    const origin = this.#wires.getBoundingClientRect();
    const middle = (port) => {
      const box = port.getBoundingClientRect();
      return [box.left + box.width / 2 - origin.left, box.top + box.height / 2 - origin.top];
    };
    const paths = [];
    for (const [id, card] of this.cards) {
      for (const { input, from, slot } of this.graph.links(id)) {
        const start = this.cards.get(from)?.ports.get(`out ${slot}`);
        const end = card.ports.get(`in ${input}`);
        if (!start || !end) continue;
        const [[x, y], [u, v]] = [middle(start), middle(end)];
        const bend = Math.max(28, Math.abs(u - x) / 2);
        const path = svg("path", { d: `M${x} ${y} C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`,
          "data-from": from, "data-to": id });
        path.style.setProperty("--hue", start.dataset.hue);
        path.classList.toggle("busy", card.element.dataset.state === "running");
        paths.push(path);
      }
    }
    this.#wires.replaceChildren(...paths);
  }

  /** Links of one card come forward. */
  #light(card) {
    const id = card?.dataset.id;
    if (id === this.lit) return;
    this.lit = id;
    for (const path of this.#wires.children) {
      path.classList.toggle("lit", id != null && (path.dataset.from === id || path.dataset.to === id));
    }
  }
}
