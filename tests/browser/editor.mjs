// ComfyUI's web editor, unmodified, from its first start to a picture and back to its graph.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { journey, message, sizeOf } from "./journey.mjs";

const GRAPH = "dream_then_style.json";
/** More steps than any machine takes in the time of this journey: 20,000 of the dream. They are stopped. */
const LONG = 10000;

await journey(async (test) => {
  const page = await test.open();
  await page.goto(test.address);
  await boot(test, page);
  await gallery(test, page);
  await search(test, page);
  await load(test, page);
  await stop(test, page);
  await first(test, page);
  await edit(test, page);
  await faults(test, page);
  await back(test, page);
  await saved(test, page);
  test.clean();
});

async function boot(test, page) {
  const kinds = Object.keys(await test.json("object_info"));
  await test.until("the editor starts", () => page.evaluate(() => Boolean(window.app?.graph && window.app.extensionManager?.command)));
  const registered = () => page.evaluate(() => Object.keys(window.LiteGraph?.registered_node_types ?? {}));
  await test.until(`it knows our ${kinds.length} kinds`, async () => {
    const known = await registered();
    return kinds.length > 0 && kinds.every((kind) => known.includes(kind));
  });
  test.check("our extension is loaded", await page.evaluate(() =>
    window.app.extensions.some(({ name }) => name === "dreamwire.hotreload")));
}

/** A new user is shown our graphs, with their pictures, and opens one. */
async function gallery(test, page) {
  const names = (await test.json("dreamwire/graphs")).map((graph) => graph.name.replace(/\.json$/, ""));
  const shown = (name) => page.getByTestId(`template-workflow-${name}`);
  await shown("dream_then_style").waitFor();
  test.same("the canvas of a new user is empty", await page.evaluate(() => window.app.graph.nodes.length), 0);
  await test.until("the gallery has all graphs of the folder", () => page.evaluate((names) =>
    names.every((name) => document.querySelector(`[data-testid="template-workflow-${name}"]`)), names));
  await test.until("with their pictures", () => shown("dream").locator("img").first().evaluate((img) => img.naturalWidth > 0));
  await test.picture("editor-gallery");
  await shown("dream_then_style").click();
  await test.until("one that is picked becomes its nodes", () => page.evaluate(() => window.app.graph.nodes.length === 10));
  await test.until("with its links", () => page.evaluate(() => window.app.graph.links.size === 9));
  await test.until("and its values", async () => (await value(page, "dream", "octaves")) === 4);
  test.same("and no node lies on another", await page.evaluate(() => {
    const boxes = window.app.graph.nodes.map(({ id, pos: [x, y], size: [width, height] }) => ({ id, x, y, width, height }));
    const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
    return boxes.flatMap((a) => boxes.filter((b) => a.id < b.id && meet(a, b)).map((b) => [a.id, b.id]));
  }), []);
  await test.picture("editor-template");
}

async function search(test, page) {
  await page.evaluate(() => window.app.graph.clear());
  const canvas = await page.locator("canvas#graph-canvas").boundingBox();
  await page.mouse.dblclick(canvas.x + canvas.width / 2, canvas.y + canvas.height / 2);
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("gradient ascent");
  // The one that Enter takes: while the list follows the text that is typed, it is another.
  await test.until("the search for nodes finds ours", async () =>
    (await page.getByRole("listbox").getByRole("option").first().textContent()).includes("Gradient ascent (DeepDream)"));
  await test.picture("editor-search");
  await page.keyboard.press("Enter");
  await test.until("and adds it", () => page.evaluate(() =>
    window.app.graph.nodes.length === 1 && window.app.graph.nodes[0].type === "GradientAscent"));
}

/** The graph file, small enough for a test, dropped on the canvas. */
async function load(test, page) {
  const graph = await test.json(`dreamwire/graphs/${GRAPH}?form=api`);
  graph.size.inputs.width = 96;
  graph.painting_size.inputs.width = 96;
  Object.assign(graph.dream.inputs, { octaves: 2, steps: 30 });
  graph.style.inputs.refine = 4;
  await test.drop("canvas#graph-canvas", GRAPH, "application/json", JSON.stringify(graph));
  await test.until("a dropped graph file becomes ten nodes", () => page.evaluate(() => window.app.graph.nodes.length === 10));
  await test.until("with its values", async () => (await value(page, "size", "width")) === 96);
  await test.until("and nine links", () => page.evaluate(() => window.app.graph.links.size === 9));
  await page.keyboard.press(".");
}

function value(page, id, name) {
  return page.evaluate(([id, name]) =>
    window.app.graph.getNodeById(id)?.widgets.find((widget) => widget.name === name)?.value, [id, name]);
}

/** Sets a widget, as an edit on the canvas would in the end. */
function set(page, id, name, to) {
  return page.evaluate(([id, name, to]) => {
    const node = window.app.graph.getNodeById(id);
    const widget = node.widgets.find((one) => one.name === name);
    widget.value = to;
    widget.callback?.(to);
    window.app.graph.setDirtyCanvas(true, true);
  }, [id, name, to]);
}

async function queue(page) {
  await page.getByTestId("queue-button").click();
}

function done(test, start, what) {
  return test.saw(what, start, message("execution_success"));
}

/** A job that lasts: what shows while it works stays until it is stopped. */
async function stop(test, page) {
  const start = test.now();
  await set(page, "dream", "steps", LONG);
  await page.locator("canvas#graph-canvas").focus().catch(() => {});
  await page.keyboard.press("Control+Enter");
  await test.until("a live preview shows on the node that works", () => page.evaluate(() =>
    window.app.nodePreviewImages.dream?.length > 0 && window.app.graph.getNodeById("dream").imgs?.[0]?.naturalWidth > 0));
  const progress = (least) => ({ type, data }) => type === "progress_state" && data.nodes.dream?.value >= least;
  await test.saw("its progress is told", start, progress(2));
  const [{ value, max }] = test.messages(start, "progress_state").map(({ data }) => data.nodes.dream).filter((dream) => dream?.value >= 2);
  test.same("of all steps", max, 2 * LONG);
  await test.saw("and grows", start, progress(value + 1));
  await test.picture("editor-running");
  await page.evaluate(() => window.app.extensionManager.command.execute("Comfy.Interrupt"));
  await test.saw("it can be interrupted", start, message("execution_interrupted"));
  test.same("long before its end", test.messages(start, "execution_success"), []);
  await set(page, "dream", "steps", 30);
}

async function first(test, page) {
  const start = test.now();
  await queue(page);
  await done(test, start, "the job ends well");
  const outputs = await test.until("both outputs have a picture", () => page.evaluate(() => {
    const of = (id) => window.app.nodeOutputs[id]?.images?.[0];
    return of("save_dream") && of("save_styled") && [of("save_dream"), of("save_styled")];
  }));
  for (const output of outputs) {
    test.same(`${output.filename} is 96 wide`, sizeOf(await png(test, output))[0], 96);
  }
  await test.until("and show it on the canvas", () => page.evaluate(() => ["save_dream", "save_styled"].every((id) =>
    window.app.graph.getNodeById(id).imgs?.[0]?.naturalWidth === 96)));
  await test.picture("editor-done");
}

function png(test, { filename, subfolder, type }) {
  return test.bytes(`view?${new URLSearchParams({ filename, subfolder, type })}`);
}

async function edit(test, page) {
  const start = test.now();
  await set(page, "style", "alpha", 0.5);
  await queue(page);
  await done(test, start, "a changed value runs");
  test.same("and nothing else", test.ran(start), ["save_styled", "style"]);
  const cached = test.messages(start, "execution_cached").flatMap(({ data }) => data.nodes);
  test.check("the dream is said to be cached", cached.includes("dream"), cached);
}

async function faults(test, page) {
  await set(page, "size", "width", 99999999);
  const refused = page.waitForResponse((answer) => /\/prompt$/.test(new URL(answer.url()).pathname) && answer.request().method() === "POST");
  await queue(page);
  test.same("a bad value is refused", (await refused).status(), 400);
  await test.until("and its node is marked", () => page.evaluate(() => window.app.graph.getNodeById("size").has_errors === true));
  const errors = await test.until("of this request", () => page.evaluate(() => window.app.lastNodeErrors));
  test.same("only that node", Object.keys(errors), ["size"]);
  test.same("and that input", errors.size.errors[0].extra_info.input_name, "width");
  await test.picture("editor-error");
  await page.keyboard.press("Escape");
  await set(page, "size", "width", 96);
}

async function back(test, page) {
  const [output] = await page.evaluate(() => window.app.nodeOutputs.save_styled.images);
  const picture = await png(test, output);
  await page.evaluate(() => window.app.graph.clear());
  await test.drop("canvas#graph-canvas", "back.png", "image/png", picture);
  await test.until("a dropped picture brings its graph back", () => page.evaluate(() => window.app.graph.nodes.length === 10));
  await test.until("with the values that made it", () => page.evaluate(() =>
    window.app.graph.nodes.find((node) => node.type === "AdaIN")?.widgets.find((widget) => widget.name === "alpha").value === 0.5));
}

/** Another program saves a graph file: the page shows it. */
async function saved(test, page) {
  const file = join(test.graphs, GRAPH);
  const before = readFileSync(file, "utf8");
  const start = test.now();
  try {
    writeFileSync(file, before.replace(/"octaves": \d+/, '"octaves": 3'));
    await test.saw("a saved graph file is announced", start, message("dreamwire.graph_changed"));
    await test.until("and the editor shows it", async () => (await value(page, "dream", "octaves")) === 3);
  } finally {
    writeFileSync(file, before);
  }
}
