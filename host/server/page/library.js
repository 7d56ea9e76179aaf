// The first view: the graphs of the folder, with the pictures that they make.

import * as api from "./api.js";
import { $, capital, h, turns, words } from "./dom.js";

export class Library {
  #shown = "";
  #turn = turns();

  async load() {
    const isNewest = this.#turn();
    const [graphs, templates] = await Promise.all([api.graphs(), api.templates()]);
    if (!isNewest()) return;
    this.graphs = new Map(graphs.map((graph) => [graph.name, { ...graph, ...templates.get(graph.name) }]));
    const text = JSON.stringify([...this.graphs]);
    if (text === this.#shown) return;
    this.#shown = text;
    $("graphs").replaceChildren(...[...this.graphs.keys()].map((name) => this.#entry(name)));
    $("no-graphs").hidden = graphs.length > 0;
  }

  /** The title of a graph of the folder, or null. */
  title(name) {
    const graph = this.graphs.get(name);
    return graph ? graph.title || capital(words(name.replace(/\.json$/, ""))) : null;
  }

  #entry(name) {
    const { description, picture } = this.graphs.get(name);
    const image = picture && h("img", { src: picture, alt: "", loading: "lazy", onerror: () => image.remove() });
    return h("li", {},
      h("a", { href: `#/graph/${encodeURIComponent(name)}` },
        h("span", { class: "cover" }, image),
        h("strong", {}, this.title(name)),
        h("small", {}, description || name)));
  }
}
