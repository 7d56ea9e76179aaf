// From the open graph to its results: submits it, follows the job's messages, and shows them on the cards.

import * as api from "./api.js";
import { $, capital, duration, recall, remember, say } from "./dom.js";
import { clientId, uuid } from "./socket.js";

export class Run {
  /** `flow` shows the graph; `ended()` is called when a job of this page has come to an end. */
  constructor(socket, flow, { ended }) {
    this.flow = flow;
    this.ended = ended;
    this.graph = null;
    this.job = null;
    /** Which graph a job was made of, so that the messages of another one do not end up on these cards. */
    this.jobs = new Map(recall("jobs") ?? []);
    /** Jobs of the open graph that have not begun. */
    this.pending = new Set();
    /** Those of them that the server has not answered yet: it may not know them when it tells its status. */
    this.sent = new Set();
    const on = (type, hear) => socket.addEventListener(type, ({ detail }) => {
      if (this.#begins(detail)) hear.call(this, detail);
    });
    on("execution_start", this.#started);
    on("execution_cached", this.#cached);
    on("progress_state", this.#progress);
    on("executed", ({ node, output }) => this.#card(node)?.pictures(output?.images));
    on("preview", ({ node, picture }) => this.#card(node)?.preview(picture));
    on("text", ({ node, text }) => this.#card(node)?.say(text));
    on("execution_success", () => this.#end("done"));
    on("execution_interrupted", () => this.#end("stopped"));
    on("execution_error", this.#failed);
    socket.addEventListener("open", () => {
      if (this.busy) this.job.missed = true;
      this.settle();
    });
  }

  /** The cards now show `graph`, which is known in this session as `key`. */
  open(graph, key) {
    this.graph = graph;
    this.key = key;
    this.job = null;
    this.pending.clear();
    $("progress").hidden = true;
    this.#say("");
    const last = [...this.jobs].findLast(([, of]) => of === key);
    if (last) {
      this.job = { id: last[0], known: true, since: performance.now(), finished: new Set(), skipped: new Set(), reported: 0 };
      this.settle();
    }
  }

  get busy() {
    return this.job != null && !this.job.over;
  }

  async submit() {
    const { graph } = this;
    const id = uuid();
    this.jobs.set(id, this.key);
    remember("jobs", [...this.jobs].slice(-50));
    for (const card of this.flow.cards.values()) card.clear();
    this.pending.add(id);
    this.sent.add(id);
    if (!this.busy) this.#say("Queued");
    try {
      const { node_errors } = await api.submit({ client_id: clientId, prompt_id: id, prompt: graph.prompt() });
      if (this.graph === graph) this.#errors(node_errors);
      if (Object.keys(node_errors ?? {}).length) say("Some outputs have errors; the others run.", { bad: true });
    } catch (refusal) {
      this.jobs.delete(id);
      this.pending.delete(id);
      if (!this.busy) this.#say("");
      if (this.graph === graph) this.#errors(refusal.body?.node_errors);
      const { error, node_errors } = refusal.body ?? {};
      const at = error?.extra_info?.node_id;
      if (at && !node_errors?.[at]) this.#card(String(at))?.problem(error);
      const count = Object.keys(node_errors ?? {}).length;
      say(count ? `Not run: ${count === 1 ? "one node has an error" : `${count} nodes have errors`}.` : refusal.message,
        { bad: true });
      this.#reveal();
    } finally {
      this.sent.delete(id);
    }
    this.ended();
  }

  /** Stops the running job of the open graph, and takes back those that wait. */
  async stop() {
    const stops = [...this.pending].map(api.cancel);
    this.pending.clear();
    if (this.busy) stops.push(api.interrupt(this.job.id));
    this.#say(this.busy ? "Stopping" : "");
    await Promise.all(stops).catch((error) => say(error.message, { bad: true }));
  }

  /** The server has nothing to run: jobs that were taken back elsewhere no longer wait. */
  idle() {
    for (const id of this.pending) if (!this.sent.has(id)) this.pending.delete(id);
    $("stop").disabled = !this.busy && this.pending.size === 0;
    if ($("status").textContent === "Queued" && this.pending.size === 0) this.#say("");
  }

  #card(id) {
    return this.flow.cards.get(String(id));
  }

  /** Whether a message is about a job of the open graph; makes that job the current one. */
  #begins({ prompt_id } = {}) {
    if (prompt_id === undefined) return this.busy;
    if (this.jobs.get(prompt_id) !== this.key) return false;
    if (this.job?.id !== prompt_id || this.job.known) {
      this.job = { id: prompt_id, since: performance.now(), finished: new Set(), skipped: new Set(), reported: 0 };
      const outputs = [...this.flow.cards.values()].filter((card) => card.kind?.output).map((card) => card.id);
      this.pending.delete(prompt_id);
      this.job.needed = this.graph.needed(outputs);
      for (const card of this.flow.cards.values()) card.state(this.job.needed.has(card.id) ? "waiting" : "");
    }
    return !this.job.over;
  }

  #started() {
    this.#say("Running");
    this.#bar();
  }

  #cached({ nodes }) {
    for (const id of nodes) {
      this.job.skipped.add(id);
      this.#card(id)?.state("cached");
    }
    this.#bar();
  }

  #progress({ nodes }) {
    let running = null;
    for (const [id, { state, value, max }] of Object.entries(nodes)) {
      const card = this.#card(id);
      if (!card || this.job.skipped.has(id)) continue;
      if (state === "running") {
        running = { card, value, max };
        card.state("running", value, max);
      } else if (state === "finished" && card.element.dataset.state === "waiting") {
        // It never ran: its result was found when its inputs were known.
        this.job.skipped.add(id);
        card.state("cached");
      } else if (!this.job.finished.has(id)) {
        this.job.finished.add(id);
        card.state(state === "error" ? "failed" : "done");
      }
    }
    this.#bar(running);
    this.flow.draw();
  }

  #bar(running = null) {
    const total = Math.max(1, [...this.job.needed].filter((id) => !this.job.skipped.has(id)).length);
    const share = running && running.max > 1 ? running.value / running.max : 0;
    $("progress").hidden = false;
    // Some nodes count from the start again; the bar only grows.
    this.job.share = Math.min(1, Math.max(this.job.share ?? 0, (this.job.finished.size + share) / total));
    $("progress").value = this.job.share;
    if (!running) return;
    const title = capital(this.graph.titleOf(running.card.id, running.card.kind));
    this.#say(running.max > 1 ? `${title}: ${running.value} of ${running.max}` : title);
  }

  #failed({ node_id, input_name, exception_message, exception_type, executed, traceback }) {
    for (const id of executed ?? []) if (!this.job.skipped.has(id)) this.#card(id)?.state("done");
    const card = this.#card(node_id);
    card?.state("failed");
    const hint = traceback?.find((line) => line.startsWith("hint: "))?.slice(6);
    card?.problem({ message: exception_message || exception_type, extra_info: { input_name, hint } });
    this.#end("failed");
    if (!card) say(exception_message, { bad: true });
    this.#reveal();
  }

  #end(how) {
    const { job } = this;
    job.over = true;
    for (const card of this.flow.cards.values()) {
      const { state } = card.element.dataset;
      // What a cached result was made of is not even looked at.
      if (state === "waiting" && how === "done") {
        job.skipped.add(card.id);
        card.state("cached");
      } else if (state === "running" || state === "waiting") card.state("");
    }
    $("progress").hidden = true;
    const made = job.finished.size;
    const facts = job.known || job.missed ? [] : [`${made} run`, `${job.skipped.size} cached`, duration(performance.now() - job.since)];
    this.#say([{ done: "Done", stopped: "Stopped", failed: "Failed" }[how], ...facts].join(" · "));
    this.flow.draw();
    this.ended();
  }

  /**
   * After the connection was lost, or the page loaded again: what became of the job? History has it a moment after the
   * job's last message, which may be lost too, so this is asked again whenever the server tells its status.
   */
  async settle() {
    const { job, graph } = this;
    if (!this.busy || !(job.known || job.missed)) return;
    const entry = await api.history(job.id).catch(() => null);
    if (!entry || this.graph !== graph || this.job !== job || job.over) return;
    for (const [id, output] of Object.entries(entry.outputs ?? {})) this.#card(id)?.pictures(output.images);
    const last = (name) => entry.status?.messages?.findLast(([type]) => type === name)?.[1];
    if (last("execution_error")) this.#failed(last("execution_error"));
    else this.#end(last("execution_interrupted") ? "stopped" : "done");
  }

  #errors(nodes) {
    for (const [id, { errors }] of Object.entries(nodes ?? {})) {
      for (const error of errors) this.#card(id)?.problem(error);
    }
  }

  #reveal() {
    document.querySelector(".card.bad")?.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "smooth" });
  }

  #say(text) {
    $("status").textContent = text;
    document.body.classList.toggle("running", this.busy);
    $("stop").disabled = !this.busy && this.pending.size === 0;
  }
}
