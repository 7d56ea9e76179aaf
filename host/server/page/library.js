// The first view: the graphs of the folder, with the pictures that they make.

import * as api from "./api.js";
import { $, h } from "./dom.js";

export class Library {
  #shown = "";

  async load() {
    const [graphs, pictures] = await Promise.all([api.graphs(), api.thumbnails()]);
    this.graphs = graphs;
    const text = JSON.stringify([graphs, [...pictures]]);
    if (text === this.#shown) return;
    this.#shown = text;
    $("graphs").replaceChildren(...graphs.map(({ name, title }) => this.#entry(name, title, pictures.get(name))));
    $("no-graphs").hidden = graphs.length > 0;
  }

  title(name) {
    return this.graphs?.find((graph) => graph.name === name)?.title ?? null;
  }

  #entry(name, title, picture) {
    const image = picture
      ? h("img", { src: picture, alt: "", loading: "lazy", onerror: () => image.remove() })
      : null;
    return h("li", {},
      h("a", { href: `#/graph/${encodeURIComponent(name)}` },
        h("span", { class: "cover" }, image),
        h("strong", {}, title && title !== name ? title : name.replaceAll("_", " ")),
        h("small", {}, `${name}.json`)));
  }
}
