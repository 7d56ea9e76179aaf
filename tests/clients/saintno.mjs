/**
 * @saintno/comfyui-sdk: runs a graph on the server at ADDRESS, and again from the cache, and writes the picture that it
 * gives as OUT/noise.png; uploads that, blurs it and writes OUT/blurred.png.
 *
 *     node saintno.mjs FOLDER ADDRESS OUT
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

import { blur, keep, noise } from "./graphs.mjs";

const [folder, address, out] = process.argv.slice(2);
const { CallWrapper, ComfyApi, PromptBuilder } = createRequire(`${resolve(folder)}/`)("@saintno/comfyui-sdk");
const CLIENT = "@saintno/comfyui-sdk";
mkdirSync(out, { recursive: true });

const api = new ComfyApi(address).init();
await api.waitForReady();

/** The one picture that a graph saves, as the server names it. */
async function run(graph) {
  const builder = new PromptBuilder(graph, [], ["picture"]).setOutputNode("picture", "save");
  let failure;
  const result = await new CallWrapper(api, builder).onFailed((error) => { failure = error; }).run();
  assert.ok(result, `the job has failed: ${failure} ${JSON.stringify(failure?.cause)}`);
  assert.equal(result.picture?.images?.length, 1, JSON.stringify(result));
  return result.picture.images[0];
}

const bytes = async (image) => (await api.getImage(image)).arrayBuffer();

const saved = await run(noise(3, "saintno"));
const png = keep(CLIENT, out, "noise.png", await bytes(saved));
assert.deepEqual(await run(noise(3, "saintno")), saved);
console.log(`${CLIENT}: the cached job gives the same picture`);

const uploaded = await api.uploadImage(png, "saintno.png", { override: true });
assert.ok(uploaded, "the upload was refused");
const blurred = keep(CLIENT, out, "blurred.png", await bytes(await run(blur(uploaded.info.filename, "saintno"))));
assert.notDeepEqual(blurred, png, "the blurred picture is the other one");

// Its timers and its socket go on.
process.exit(0);
