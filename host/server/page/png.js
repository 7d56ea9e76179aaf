// Text that a PNG carries: the chunks tEXt, zTXt and iTXt. Dreamwire keeps the graph under `prompt`.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const latin = new TextDecoder("latin1");
const utf8 = new TextDecoder();

/** { keyword: text } of a picture; {} if it is no PNG. Chunks beyond a damaged one are not read. */
export async function pngTexts(blob) {
  const data = new Uint8Array(await blob.arrayBuffer());
  if (SIGNATURE.some((byte, i) => data[i] !== byte)) return {};
  const view = new DataView(data.buffer);
  const texts = {};
  for (let at = 8; at + 12 <= data.length; ) {
    const length = view.getUint32(at);
    const type = latin.decode(data.subarray(at + 4, at + 8));
    const body = data.subarray(at + 8, at + 8 + length);
    if (body.length < length) break;
    if (type === "tEXt" || type === "zTXt" || type === "iTXt") {
      const [key, text] = await chunk(type, body);
      texts[key] = text;
    }
    at += 12 + length;
  }
  return texts;
}

async function chunk(type, body) {
  const zero = (from) => {
    const found = body.indexOf(0, from);
    return found < 0 ? body.length : found;
  };
  const end = zero(0);
  const key = latin.decode(body.subarray(0, end));
  if (type === "tEXt") return [key, latin.decode(body.subarray(end + 1))];
  if (type === "zTXt") return [key, latin.decode(await inflate(body.subarray(end + 2)))];
  const compressed = body[end + 1] === 1;
  const text = body.subarray(zero(zero(end + 3) + 1) + 1);
  return [key, utf8.decode(compressed ? await inflate(text) : text)];
}

async function inflate(data) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
