import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";

/** Writes a picture after checking that it is a PNG of 16x16. */
export function keep(client, folder, name, bytes) {
  const png = Buffer.from(bytes);
  assert.equal(png.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n", `${name} is no PNG`);
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [16, 16], `the size of ${name}`);
  writeFileSync(`${folder}/${name}`, png);
  console.log(`${client}: ${name} is a PNG of 16x16`);
  return png;
}

export const noise = (seed, prefix) => ({
  noise: { class_type: "NoiseImage", inputs: { width: 16, height: 16, seed } },
  save: { class_type: "SaveImage", inputs: { images: ["noise", 0], filename_prefix: prefix } },
});

export const blur = (image, prefix) => ({
  load: { class_type: "LoadImage", inputs: { image } },
  blur: { class_type: "Blur", inputs: { image: ["load", 0], sigma: 1.5 } },
  save: { class_type: "SaveImage", inputs: { images: ["blur", 0], filename_prefix: `${prefix}_blurred` } },
});
