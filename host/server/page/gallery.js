// Results: the strip below the open graph, the gallery, and the large view.

import * as api from "./api.js";
import { $, h, say, turns } from "./dom.js";
import { Graph } from "./graph.js";
import { pngTexts } from "./png.js";

const key = ({ filename, subfolder, type }) => `${type}/${subfolder ?? ""}/${filename}`;

export class Gallery {
  #known = "";
  #turn = turns();

  /** `open(graph)` opens the graph of a picture. */
  constructor(open) {
    this.open = open;
    this.pictures = [];
    const { large } = this.parts = { large: $("large") };
    $("large-previous").addEventListener("click", () => this.#step(-1));
    $("large-next").addEventListener("click", () => this.#step(1));
    $("large-close").addEventListener("click", () => large.close());
    $("large-graph").addEventListener("click", () => this.#graph());
    large.addEventListener("click", (event) => {
      if (event.target === large || event.target.id === "large-stage") large.close();
    });
    large.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.#step(-1);
      if (event.key === "ArrowRight") this.#step(1);
    });
  }

  async load() {
    const isNewest = this.#turn();
    const pictures = await api.pictures();
    if (!isNewest()) return;
    const text = JSON.stringify(pictures);
    if (text === this.#known) return;
    this.#known = text;
    this.pictures = pictures;
    const thumb = (picture, index) => h("li", {},
      h("button", { type: "button", "aria-label": `Enlarge ${picture.filename}`, onclick: () => this.enlarge(pictures, index) },
        h("img", { src: api.view(picture, { t: picture.modified ?? 0 }), alt: picture.filename, loading: "lazy" })));
    $("strip").replaceChildren(...pictures.slice(0, 24).map(thumb));
    $("strip-box").hidden = pictures.length === 0;
    $("pictures").replaceChildren(...pictures.map(thumb));
    $("no-pictures").hidden = pictures.length > 0;
  }

  /** Shows one of `pictures` large; the arrows go through the others. */
  enlarge(pictures, index) {
    this.shown = pictures;
    this.index = index;
    this.#show();
    if (!this.parts.large.open) this.parts.large.showModal();
  }

  #step(by) {
    const next = this.index + by;
    if (next < 0 || next >= this.shown.length) return;
    this.index = next;
    this.#show();
  }

  #show() {
    const picture = this.shown[this.index];
    const address = api.view(picture, { t: picture.modified ?? 0 });
    const image = $("large-image");
    image.onload = () => {
      $("large-size").textContent = `${image.naturalWidth} × ${image.naturalHeight}`;
      // Small pictures grow to twice their size, no further.
      image.style.setProperty("--width", image.naturalWidth);
      image.style.setProperty("--height", image.naturalHeight);
    };
    $("large-size").textContent = "";
    Object.assign(image, { src: address, alt: picture.filename });
    $("large-name").textContent = [picture.subfolder, picture.filename].filter(Boolean).join("/");
    Object.assign($("large-download"), { href: address, download: picture.filename });
    $("large-previous").disabled = this.index === 0;
    $("large-next").disabled = this.index === this.shown.length - 1;
    $("large-count").textContent = this.shown.length > 1 ? `${this.index + 1} of ${this.shown.length}` : "";
  }

  /** The picture's own graph: out of the PNG, or from the job that made it. */
  async #graph() {
    const picture = this.shown[this.index];
    const title = picture.filename.replace(/\.\w+$/, "");
    try {
      const { prompt } = await pngTexts(await api.bytes(api.view(picture)));
      const graph = prompt ? new Graph(prompt, { title }) : await fromHistory(picture, title);
      if (!graph) {
        say("This picture carries no graph, and no job in the history made it.", { bad: true });
        return;
      }
      this.parts.large.close();
      this.open(graph);
    } catch (error) {
      say(error.message, { bad: true });
    }
  }
}

async function fromHistory(picture, title) {
  const made = (entry) => Object.values(entry?.outputs ?? {}).some((output) =>
    output.images?.some((image) => key(image) === key(picture)));
  for (const { id } of await api.jobs()) {
    const entry = await api.history(id);
    if (made(entry)) return new Graph(JSON.stringify(entry.prompt[2]), { title });
  }
  return null;
}
