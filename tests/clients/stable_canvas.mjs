/**
 * @stable-canvas/comfyui-client: runs a graph on the server at ADDRESS and writes the picture that it gives as
 * OUT/noise.png, runs it again from the cache, by its socket and by polling; uploads the picture, blurs it and writes
 * OUT/blurred.png.
 *
 *     node stable_canvas.mjs FOLDER ADDRESS OUT
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

import { blur, keep, noise } from "./graphs.mjs";

const [folder, address, out] = process.argv.slice(2);
const require = createRequire(`${resolve(folder)}/`);
const { Client, Workflow } = require("@stable-canvas/comfyui-client");
const CLIENT = "@stable-canvas/comfyui-client";
mkdirSync(out, { recursive: true });

// Node 20 has no WebSocket of its own.
const client = new Client({ api_host: new URL(address).host, WebSocket: require("ws").WebSocket });
await client.connect();

/** Where the one picture is that a graph saves. */
async function run(graph, invoke = (workflow) => workflow.invoke(client)) {
  const workflow = new Workflow();
  const made = {};
  for (const [id, { class_type, inputs }] of Object.entries(graph)) {
    const linked = Object.entries(inputs).map(([name, value]) =>
      [name, Array.isArray(value) ? made[value[0]][value[1]] : value]);
    made[id] = workflow.classes[class_type](Object.fromEntries(linked));
  }
  const { images } = await invoke(workflow);
  assert.equal(images.length, 1, JSON.stringify(images));
  return images[0].data;
}

const bytes = async (url) => (await fetch(url)).arrayBuffer();

const saved = await run(noise(4, "stable_canvas"));
const png = keep(CLIENT, out, "noise.png", await bytes(saved));
assert.equal(await run(noise(4, "stable_canvas")), saved);
assert.equal(await run(noise(4, "stable_canvas"), (workflow) => workflow.invoke_polling(client, { polling_ms: 50 })), saved);
console.log(`${CLIENT}: the cached job gives the same picture`);

const form = new FormData();
form.append("image", new Blob([png]), "stable_canvas.png");
form.append("overwrite", "true");
const { name } = await (await client.fetchApi("/upload/image", { method: "POST", body: form })).json();
const blurred = keep(CLIENT, out, "blurred.png", await bytes(await run(blur(name, "stable_canvas"))));
assert.notDeepEqual(blurred, png, "the blurred picture is the other one");

client.close();
process.exit(0);
