// What the journeys share: a browser on a server, checks that are printed, and a watch on what a page must never do.

import { mkdirSync } from "node:fs";
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

class Journey {
  constructor(browser, address, graphs, pictures) {
    Object.assign(this, { browser, address, graphs, pictures });
    this.passed = 0;
    this.failed = 0;
    /** Text messages of the websocket in their order: { type, data }; binary ones have `binary`. */
    this.messages = [];
    this.errors = [];
    this.foreign = [];
  }

  /** A page that is watched: its errors, its messages, and requests that leave the server. */
  async open(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(180_000);
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("console", (message) => {
      if (/Content.Security.Policy/i.test(message.text())) this.errors.push(message.text());
    });
    page.on("request", (request) => {
      const to = new URL(request.url());
      if (to.protocol.startsWith("http") && to.origin !== new URL(this.address).origin) this.foreign.push(request.url());
    });
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
      this.messages.push(typeof payload === "string" ? JSON.parse(payload) : { binary: payload, type: "binary" });
    }));
    this.page = page;
    return page;
  }

  /** Says what was found, and counts it. */
  check(what, holds, found = "") {
    if (holds) this.passed += 1;
    else this.failed += 1;
    console.log(`${holds ? "passed" : "FAILED"}  ${what}${holds || found === "" ? "" : `: ${JSON.stringify(found)}`}`);
  }

  same(what, found, expected) {
    this.check(what, JSON.stringify(found) === JSON.stringify(expected), { found, expected });
  }

  /** Waits until `condition` is not false; a wait that is too long is a failed check. */
  async until(what, condition, seconds = 180) {
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

  /** The messages of a type since `start`, an earlier `messages.length`. */
  since(start, type) {
    return this.messages.slice(start).filter((message) => message.type === type);
  }

  /** The nodes that have worked since `start`, sorted. */
  ran(start) {
    const nodes = this.since(start, "executing").map(({ data }) => data.node);
    return [...new Set(nodes)].filter((node) => node != null).toSorted();
  }

  async picture(name) {
    // Until pictures are there, and what moves has come to rest.
    await this.page.waitForTimeout(500);
    await this.page.screenshot({ path: join(this.pictures, `${name}.png`) });
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
