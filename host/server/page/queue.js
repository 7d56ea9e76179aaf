// The queue: what waits, what runs, what has ended.

import * as api from "./api.js";
import { $, duration, h, iconButton, say, turns } from "./dom.js";

const WORDS = { pending: "waiting", in_progress: "running", completed: "done", failed: "failed", cancelled: "stopped" };
const SECTIONS = [["Running", ["in_progress"]], ["Waiting", ["pending"]], ["Ended", ["completed", "failed", "cancelled"]]];

export class Queue {
  #turn = turns();

  /** `titleOf(id)` is the graph's title of a job of this session, or null; `enlarge` as in the gallery. */
  constructor({ titleOf, enlarge }) {
    this.titleOf = titleOf;
    this.enlarge = enlarge;
    $("clear-queue").addEventListener("click", () => this.#do(api.clearQueue()));
    $("clear-history").addEventListener("click", () => this.#do(api.forget(this.ended.map((job) => job.id))));
    this.ended = [];
  }

  count(remaining) {
    $("queue-count").textContent = remaining > 0 ? remaining : "";
    $("queue-count").hidden = remaining === 0;
  }

  async load() {
    const isNewest = this.#turn();
    const jobs = await api.jobs();
    if (!isNewest()) return;
    const of = (states) => jobs.filter((job) => states.includes(job.status));
    this.ended = of(SECTIONS[2][1]);
    // Waiting jobs in the order in which they will run; the others newest first, as they come.
    const lists = SECTIONS.map(([title, states]) => [title, title === "Waiting" ? of(states).reverse() : of(states)]);
    $("jobs").replaceChildren(...lists.filter(([, list]) => list.length).map(([title, list]) =>
      h("section", {}, h("h3", {}, title), h("ul", {}, list.map((job) => this.#row(job))))));
    $("no-jobs").hidden = jobs.length > 0;
    $("clear-queue").disabled = of(["pending"]).length === 0;
    $("clear-history").disabled = this.ended.length === 0;
  }

  #row(job) {
    const ended = !["pending", "in_progress"].includes(job.status);
    const took = job.execution_end_time && job.execution_start_time
      ? duration(job.execution_end_time - job.execution_start_time) : "";
    const picture = job.preview_output;
    const reason = job.execution_error?.exception_message;
    const title = this.titleOf(job.id) ?? `Job ${job.id.slice(0, 8)}`;
    const remove = () => this.#do(ended ? api.forget([job.id]) : api.cancel(job.id));
    return h("li", { "data-status": job.status },
      picture
        ? h("button", { type: "button", class: "thumb", "aria-label": `Enlarge ${picture.filename}`,
          onclick: () => this.enlarge([picture], 0) }, h("img", { src: api.view(picture), alt: "" }))
        : h("span", { class: "thumb" }),
      h("div", {},
        h("strong", {}, title),
        h("small", {}, [WORDS[job.status] ?? job.status, took, new Date(job.create_time).toLocaleTimeString()]
          .filter(Boolean).join(" · ")),
        reason && h("small", { class: "reason" }, reason)),
      iconButton("close", `${ended ? "Remove" : "Stop"} ${title}`, remove));
  }

  async #do(request) {
    try {
      await request;
      await this.load();
    } catch (error) {
      say(error.message, { bad: true });
    }
  }
}
