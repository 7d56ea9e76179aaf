// Dreamwire's own page, from the list of graphs to a picture and back to its graph.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { journey, message, sizeOf, value as says } from "./journey.mjs";

const GRAPH = "dream_then_style.json";
const OTHERS = ["dream", "encoder", "painting", "painting_size", "photo", "save_dream", "size", "vgg"];
/** More steps than any machine takes in the time of this journey: 20,000 of the dream. They are stopped. */
const LONG = 10000;
/** What the record has of the page. */
const WATCHED = {
  status: ["#status", "text"],
  state: [".card", "data-state"],
  progress: ["#progress", "value"],
  count: ["#queue-count", "text"],
  body: ["body", "class"],
};

await journey(async (test) => {
  const page = await test.open(WATCHED);
  await page.goto(test.address);
  await page.waitForSelector("body.ready");

  await library(test, page);
  await reference(test, page);
  await first(test, page);
  await edit(test, page);
  await live(test, page);
  await stop(test, page);
  await queue(test, page);
  await faults(test, page);
  await upload(test, page);
  await back(test, page);
  await saved(test, page);
  await looks(test, page);
  test.clean();
  await page.context().close();
  await reconnect(test);
});

function card(page, id) {
  return page.locator(`.card[data-id="${id}"]`);
}

function field(page, id, name) {
  return card(page, id).locator(".field", { has: page.getByText(name, { exact: true }) });
}

function value(page, id, name) {
  return field(page, id, name).locator("input:not([type=range]), select").first();
}

/** Sets an input that may be folded away. */
async function set(page, id, name, text) {
  await card(page, id).locator("details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
  await value(page, id, name).fill(String(text));
}

/** Waits for the last message of a job and for the page to say how it ended. */
async function ended(test, start, type, how) {
  await test.saw(`the job's last message is ${type}`, start, message(type));
  await test.saw(`the status says ${how}`, start, says("status", how));
}

function state(id, to) {
  return (entry) => entry.what === "state" && entry.id === id && entry.value === to;
}

function preview(id) {
  return ({ what, id: of, value }) => what === "picture" && of === id && value.preview && value.width > 0;
}

/** Without what comes twice in a row. */
function turns(values) {
  return values.filter((value, index) => value !== values[index - 1]);
}

async function library(test, page) {
  const names = (await test.json("dreamwire/graphs")).map((graph) => graph.name);
  test.check(`the folder has the graph ${GRAPH}`, names.includes(GRAPH), names);
  test.same("every graph of the folder is listed", await page.locator("#graphs li").count(), names.length);
  test.check("it says how to get ComfyUI's editor", (await page.locator(".editor").textContent()).includes("comfyui-frontend-package"));
  await test.picture("page-graphs");
}

async function reference(test, page) {
  const kinds = await test.json("object_info");
  await page.click('nav a[data-view="nodes"]');
  const listed = await page.locator("#kinds a").evaluateAll((links) => links.map((link) => link.dataset.kind));
  test.same("every kind has an entry", listed.toSorted(), Object.keys(kinds).filter((name) => !kinds[name].deprecated).toSorted());
  await page.fill("#search", "deepdream");
  await page.locator('#kinds a[data-kind="GradientAscent"]').click();
  await test.until("the documentation of GradientAscent shows its inputs",
    async () => (await page.locator("#kind").textContent()).includes("octave_scale"));
  await test.picture("page-nodes");
}

async function first(test, page) {
  await page.click('nav a[data-view="library"]');
  await page.locator(`#graphs a[href="#/graph/${GRAPH}"]`).click();
  await page.waitForSelector(".card");
  test.same("a card for every node", await page.locator(".card").count(), 10);
  await test.until("the input picture shows on its node", () => card(page, "photo").locator("img").evaluate((img) => img.naturalWidth > 0));
  const drawn = await page.locator("#wires path").count();
  test.same("a line for every link", drawn, 9);
  await unnamed(test, page);

  await set(page, "size", "width", 96);
  await set(page, "painting_size", "width", 96);
  await set(page, "dream", "octaves", 2);
  await set(page, "dream", "steps", 30);
  await set(page, "style", "refine", 4);
  const start = test.now();
  await page.keyboard.press("Control+Enter");
  await ended(test, start, "execution_success", /^Done · 10 run · 0 cached/);
  await test.saw("a preview has shown on the node that worked", start, preview("dream"));
  test.same("the node has said that it waits, runs, and is done", turns(test.values(start, "state", "dream")),
    ["waiting", "running", "done"]);
  const counts = test.values(start, "status").map((text) => Number(/^Dream: (\d+) of 60$/.exec(text)?.[1])).filter(Boolean);
  test.check("its progress was counted to the end", counts.at(-1) === 60 && counts.every((count, i) => i === 0 || count >= counts[i - 1]), counts);
  const bar = test.values(start, "progress").map(Number);
  test.check("the progress bar has only grown", bar.at(-1) > 0 && bar.every((share, i) => i === 0 || share >= bar[i - 1]), bar);
  for (const id of ["save_dream", "save_styled"]) {
    await test.until(`${id} shows its picture, 96 wide`,
      () => card(page, id).locator(".picture img").evaluateAll((all) => all[0]?.naturalWidth === 96));
  }
  test.check("previews came as binary frames that name their node", test.messages(start, "binary").some(({ binary }) =>
    binary.readUInt32BE(0) === 4 && binary.toString("utf8", 8, 8 + binary.readUInt32BE(4)).includes('"dream"')));
  await test.until("the strip shows the results", async () => (await page.locator("#strip li").count()) >= 2);
  await test.picture("page-done");
}

/** Every control has a name that a screen reader can say. */
async function unnamed(test, page) {
  const found = await page.locator("input, select, textarea, button").evaluateAll((all) => all
    .filter((one) => one.type !== "range" && one.checkVisibility())
    .filter((one) => !one.labels?.length && !one.getAttribute("aria-label") && !one.textContent.trim())
    .map((one) => one.outerHTML.slice(0, 120)));
  test.same("every control has a name", found, []);
}

async function edit(test, page) {
  const start = test.now();
  await set(page, "style", "alpha", 0.5);
  test.same("the changed value is marked", await card(page, "style").locator(".field.edited label").allTextContents(), ["alpha", "refine"]);
  await page.click("#run");
  await ended(test, start, "execution_success", /^Done · 2 run · 8 cached/);
  test.same("only what changed ran", test.ran(start), ["save_styled", "style"]);
  const badges = await page.locator('.card[data-state="cached"]').evaluateAll((all) => all.map((one) => one.dataset.id));
  test.same("the cards of all others say that they are cached", badges.toSorted(), OTHERS);
  await test.picture("page-cached");
}

async function live(test, page) {
  await page.check("#live");
  const start = test.now();
  await set(page, "style", "alpha", 0.75);
  await ended(test, start, "execution_success", /^Done/);
  test.same("with Live, a changed value runs by itself", test.ran(start), ["save_styled", "style"]);
  await page.uncheck("#live");
}

async function stop(test, page) {
  const start = test.now();
  await set(page, "dream", "steps", LONG);
  await page.click("#run");
  await test.saw("a long dream runs", start, state("dream", "running"));
  await test.saw("it is counted", start, says("status", /^Dream: \d+ of 20000$/));
  await test.saw("its preview shows", start, preview("dream"));
  await test.picture("page-running");
  await page.click("#stop");
  await ended(test, start, "execution_interrupted", /^Stopped/);
  await test.until("nothing can be stopped any more", () => page.locator("#stop").isDisabled());
}

async function queue(test, page) {
  const start = test.now();
  await page.click("#run");
  await test.saw("the long dream runs again", start, state("dream", "running"));
  await set(page, "dream", "seed", 2);
  await page.click("#run");
  const two = await test.saw("two jobs are counted", start, says("count", /^2$/));
  await page.click('button[popovertarget="queue"]');
  const waiting = page.locator('#jobs li[data-status="pending"]');
  await test.until("the queue lists the one that waits", async () => (await waiting.count()) === 1);
  await test.until("and those that have ended", async () => (await page.locator('#jobs li[data-status="completed"]').count()) === 3);
  await test.picture("page-queue");
  await waiting.locator(".icon-button").click();
  await test.saw("it can be taken back", two, says("count", /^1$/));
  await page.locator('#jobs li[data-status="in_progress"] .icon-button').click();
  await ended(test, start, "execution_interrupted", /^Stopped/);
  await page.keyboard.press("Escape");
  await set(page, "dream", "steps", 30);
  await set(page, "dream", "seed", 1);
}

async function faults(test, page) {
  await set(page, "size", "width", 99999999);
  await page.click("#run");
  const width = field(page, "size", "width");
  await test.until("a bad value marks its input", () => width.locator("input").first().evaluate((one) => one.hasAttribute("aria-invalid")));
  test.check("and says what is wrong", /32768|large|at most/i.test(await width.locator(".field-error").textContent()),
    await width.locator(".field-error").textContent());
  test.check("and the node", await card(page, "size").evaluate((one) => one.classList.contains("bad")));
  await test.picture("page-error");
  await set(page, "size", "width", 96);
  test.same("a better value clears it", await card(page, "size").locator("[aria-invalid]").count(), 0);
  await set(page, "vgg", "layers", "relu9_9");
  await page.click("#run");
  await test.until("what only the node can judge is marked too", () => card(page, "vgg").evaluate((one) => one.classList.contains("bad")));
  await set(page, "vgg", "layers", "relu4_3");
}

async function upload(test, page) {
  const picture = readFileSync(join(test.graphs, "media/coffee.png"));
  await card(page, "photo").locator("input[type=file]").setInputFiles({ name: "cup.png", mimeType: "image/png", buffer: picture });
  await test.until("an uploaded picture becomes the value", async () => /cup.*\.png$/.test(await value(page, "photo", "image").inputValue()));
  await test.drop('.card[data-id="photo"]', "dropped.png", "image/png", picture);
  await test.until("so does a dropped one", async () => /dropped.*\.png$/.test(await value(page, "photo", "image").inputValue()));
  await test.until("and it shows", () => card(page, "photo").locator("img").evaluate((img) => img.naturalWidth === 600));
  const start = test.now();
  await page.click("#run");
  await ended(test, start, "execution_success", /^Done/);
}

async function back(test, page) {
  const [newest] = await test.json("dreamwire/pictures");
  const png = await test.bytes(`view?${new URLSearchParams({ filename: newest.filename, subfolder: newest.subfolder, type: newest.type })}`);
  test.same("the picture of the run is as wide as it was asked for", sizeOf(png)[0], 96);
  await test.drop("main", "back.png", "image/png", png);
  await test.until("a dropped picture opens its graph", async () => (await page.locator("#graph-title").textContent()) === "back");
  test.same("with the values that made it", await value(page, "style", "alpha").inputValue(), "0.75");
  await page.click('nav a[data-view="results"]');
  await page.waitForSelector("#pictures img");
  await page.locator("#pictures button").first().click();
  await test.until("a result shows large", () => page.locator("#large-image").evaluate((img) => img.naturalWidth === 96));
  await page.keyboard.press("ArrowRight");
  await test.until("the arrow keys go on", async () => /^2 of/.test(await page.locator("#large-count").textContent()));
  await test.picture("page-large");
  await page.click("#large-graph");
  await test.until("and opens its graph", async () => !(await page.locator("#view-graph").isHidden()) && (await page.locator(".card").count()) === 10);
  const text = readFileSync(join(test.graphs, GRAPH));
  await test.drop("main", GRAPH, "application/json", text);
  await test.until("so does a dropped file, with its comments", async () => `${await page.locator("#graph-title").textContent()}.json` === GRAPH);
  await test.drop("main", "no.json", "application/json", Buffer.from("{ not a graph"));
  await test.until("what is no graph is refused in words", async () => /no\.json is no graph/.test(await page.locator("#messages").textContent()));
}

/** Another program saves the graph file that is open here. */
async function saved(test, page) {
  const file = join(test.graphs, "saved.json");
  const graph = (width) => JSON.stringify({
    flat: { class_type: "SolidColor", inputs: { width, height: 16 } },
    save: { class_type: "SaveImage", inputs: { images: ["flat", 0], filename_prefix: "flat" } },
  });
  writeFileSync(file, graph(16));
  await page.click('nav a[data-view="library"]');
  await test.until("a new graph file is listed", async () => {
    if (await page.locator('#graphs a[href="#/graph/saved.json"]').count()) return true;
    await page.click('nav a[data-view="results"]');
    await page.click('nav a[data-view="library"]');
    return false;
  });
  await page.locator('#graphs a[href="#/graph/saved.json"]').click();
  await page.waitForSelector('.card[data-id="flat"]');
  writeFileSync(file, graph(24));
  await test.until("a graph that is saved again shows its new values", async () => (await value(page, "flat", "width").inputValue()) === "24");
}

async function looks(test, page) {
  await page.goto(new URL(`#/graph/${GRAPH}`, test.address).href);
  await page.waitForSelector('.card[data-id="dream"]');
  for (const [name, scheme, width] of [["light", "light", 1440], ["dark", "dark", 1440], ["narrow", "light", 420]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await test.picture(`page-${name}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    test.check(`the ${name} page is no wider than its window`, over <= 0, over);
  }
}

/** The connection breaks in the middle of a job: before the page can hear of its end, whatever the speed. */
async function reconnect(test) {
  const page = await test.open(WATCHED);
  let sockets = 0;
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    sockets += 1;
    const server = socket.connectToServer();
    if (sockets > 1) return;
    server.onMessage((data) => {
      socket.send(data);
      if (typeof data !== "string" || JSON.parse(data).data.nodes?.dream?.state !== "running") return;
      server.onMessage(() => {});
      server.close();
      socket.close();
    });
  });
  await page.goto(new URL(`#/graph/${GRAPH}`, test.address).href);
  await page.waitForSelector(".card");
  await set(page, "size", "width", 64);
  await set(page, "painting_size", "width", 64);
  await set(page, "dream", "steps", 40);
  await set(page, "style", "refine", 1);
  const start = test.now();
  await page.click("#run");
  const lost = await test.saw("the connection is lost while the dream runs", start, says("body", /offline/));
  await test.saw("the page says so, and connects again by itself", lost, says("body", /^(?!.*offline)/));
  test.check("with another socket", sockets >= 2, sockets);
  await test.saw("it says that the job has ended", lost, says("status", /^Done/));
  await test.until("and shows what the job made meanwhile", () =>
    card(page, "save_styled").locator(".picture img").evaluateAll((all) => all[0]?.naturalWidth === 64));
}
