// What the journeys share: a browser on a server, checks that are printed, a record of all that happens, and a watch on
// what a page must never do. What lasts a moment is looked up in the record: on a machine that is busy, or very fast, a
// look at the page would miss it.

import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

/**
 * Runs `steps(journey)` on the server at `address`; arguments are those of the program:
 *
 *     node NAME.mjs FOLDER ADDRESS GRAPHS PICTURES
 *
 * FOLDER is the one of prepare.sh, GRAPHS the folder of graphs that the server watches, PICTURES where screenshots go.
 * The exit code is 1 if a check failed.
 */
export async function journey(steps) {
  const [folder, address, graphs, pictures] = process.argv.slice(2);
  mkdirSync(pictures, { recursive: true });
  const { chromium } = createRequire(resolve(folder, "package.json"))("playwright-core");
  // As root, as in a container, Chromium has no sandbox of its own.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  const test = new Journey(browser, address, graphs, pictures);
  try {
    await steps(test);
  } catch (error) {
    test.failed += 1;
    console.log(`FAILED  ${error.message}`);
    await test.page?.screenshot({ path: join(pictures, "failed.png") }).catch(() => {});
  } finally {
    await browser.close();
  }
  console.log(`${test.passed} passed, ${test.failed} failed`);
  process.exitCode = test.failed === 0 ? 0 : 1;
}

/**
 * Tells of what changes in the page, also of what lasts a moment: runs in the page, before its scripts. `watched` is
 * what to tell of: { name: [selector, attribute or "text"] }. Pictures tell when they have loaded. A change that the
 * same task takes back is not seen.
 */
function watch(watched) {
  const tell = (what, element, value) =>
    globalThis.changed({ what, id: element.closest("[data-id]")?.dataset.id ?? null, value });
  const look = (element, part) => {
    for (const [what, [selector, of]] of Object.entries(watched)) {
      if (of !== part || !element?.matches?.(selector)) continue;
      tell(what, element, of === "text" ? element.textContent : element.getAttribute(of));
    }
  };
  const attributes = Object.values(watched).map(([, of]) => of).filter((of) => of !== "text");
  new MutationObserver((changes) => {
    for (const { type, target, attributeName } of changes) {
      look(type === "characterData" ? target.parentElement : target, attributeName ?? "text");
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: attributes });
  document.addEventListener("load", ({ target }) => {
    if (!(target instanceof HTMLImageElement)) return;
    tell("picture", target, { width: target.naturalWidth, preview: target.closest(".preview") != null });
  }, true);
}

/** Longer than anything takes on a machine that is busy with something else; only a fault reaches it. In seconds. */
const PATIENCE = 180;

class Journey {
  #waiting = [];

  constructor(browser, address, graphs, pictures) {
    Object.assign(this, { browser, address, graphs, pictures });
    this.passed = 0;
    this.failed = 0;
    /**
     * What has happened, in its order: text messages of the websocket as { type, data }, binary ones as { type:
     * "binary", binary }, changes of the page as { what, id, value } with the id of the node. Messages and changes come
     * on two ways, so between one and the other the order is not exact.
     */
    this.record = [];
    this.errors = [];
    this.foreign = [];
  }

  /** A page that is observed: its errors, messages and changes (`watched`, see `watch`), requests that leave the server. */
  async open(watched = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 } });
    await context.exposeBinding("changed", (_, change) => this.#happens(change));
    if (Object.keys(watched).length) await context.addInitScript(watch, watched);
    const page = await context.newPage();
    page.setDefaultTimeout(1000 * PATIENCE);
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("console", (message) => {
      if (/Content.Security.Policy/i.test(message.text())) this.errors.push(message.text());
    });
    page.on("request", (request) => {
      const to = new URL(request.url());
      if (to.protocol.startsWith("http") && to.origin !== new URL(this.address).origin) this.foreign.push(request.url());
    });
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
      this.#happens(typeof payload === "string" ? JSON.parse(payload) : { binary: payload, type: "binary" });
    }));
    this.page = page;
    return page;
  }

  #happens(entry) {
    this.record.push(entry);
    for (const wake of this.#waiting.splice(0)) wake(true);
  }

  /** True when more has happened, false at the time `end`. */
  async #more(end) {
    let late;
    const more = new Promise((wake) => {
      this.#waiting.push(wake);
      late = setTimeout(() => wake(false), end - Date.now());
    });
    return more.finally(() => clearTimeout(late));
  }

  /** Says what was found and when, in seconds, and counts it. */
  check(what, holds, found = "") {
    if (holds) this.passed += 1;
    else this.failed += 1;
    const at = (performance.now() / 1000).toFixed(1).padStart(6);
    console.log(`${at}  ${holds ? "passed" : "FAILED"}  ${what}${holds || found === "" ? "" : `: ${JSON.stringify(found)}`}`);
  }

  same(what, found, expected) {
    this.check(what, JSON.stringify(found) === JSON.stringify(expected), { found, expected });
  }

  /** A place in the record, to ask what has happened since. */
  now() {
    return this.record.length;
  }

  /**
   * Waits for something that `fits` to have happened since `start`, however short it was. Returns the place after it. A
   * wait that is too long is a failed check.
   */
  async saw(what, start, fits, seconds = PATIENCE) {
    const end = Date.now() + 1000 * seconds;
    for (let at = start; ; at += 1) {
      while (at === this.record.length) {
        if (!(await this.#more(end))) throw new Error(`${what} (waited ${seconds} s)`);
      }
      if (fits(this.record[at])) {
        this.check(what, true);
        return at + 1;
      }
    }
  }

  /** Waits for what stays when it has come: until `condition` is not false. Returns what it gave. */
  async until(what, condition, seconds = PATIENCE) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
      const found = await condition();
      if (found) {
        this.check(what, true);
        return found;
      }
      if (Date.now() > end) throw new Error(`${what} (waited ${seconds} s)`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** The messages of a type since `start`. */
  messages(start, type) {
    return this.record.slice(start).filter((entry) => entry.type === type);
  }

  /** The values that something watched has had since `start`, of the node `id` if one is given. */
  values(start, what, id = null) {
    return this.record.slice(start).filter((entry) => entry.what === what && (id === null || entry.id === id))
      .map((entry) => entry.value);
  }

  /** The nodes that have worked since `start`, sorted. Whoever asks has seen the last message of the job. */
  ran(start) {
    const nodes = this.messages(start, "executing").map(({ data }) => data.node);
    return [...new Set(nodes)].filter((node) => node != null).toSorted();
  }

  /** A screenshot, when the window has come to rest, or is seen not to. */
  async picture(name) {
    let still = null;
    for (let tries = 0; tries < 4; tries += 1) {
      const next = await this.page.screenshot({ animations: "disabled" });
      if (still?.equals(next)) break;
      still = next;
    }
    writeFileSync(join(this.pictures, `${name}.png`), still);
  }

  /** Drops a file on what `selector` names, as a desktop would. */
  async drop(selector, name, type, bytes) {
    const transfer = await this.page.evaluateHandle(([name, type, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type }));
      return data;
    }, [name, type, Buffer.from(bytes).toString("base64")]);
    for (const event of ["dragenter", "dragover", "drop"]) {
      await this.page.dispatchEvent(selector, event, { dataTransfer: transfer });
    }
  }

  async json(path) {
    const answer = await this.page.request.get(new URL(path, this.address).href);
    return answer.json();
  }

  async bytes(path) {
    return (await this.page.request.get(new URL(path, this.address).href)).body();
  }

  /** What no page may have done by the end. */
  clean() {
    this.same("no error of the page and nothing against its content security policy", this.errors, []);
    this.same("no request to another host", this.foreign, []);
  }
}

/** Width and height of a PNG. */
export const sizeOf = (png) => [png.readUInt32BE(16), png.readUInt32BE(20)];

/** What `saw` waits for. */
export const message = (type) => (entry) => entry.type === type;
export const value = (what, pattern) => (entry) => entry.what === what && pattern.test(entry.value);
