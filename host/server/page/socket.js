// The websocket: connects again by itself, and turns frames into events.
//
// Events: "open", "close", "preview" { node, prompt_id, picture }, "text" { node, text }, and every message of the
// protocol by its type, with its data as `detail`.

import { at } from "./api.js";
import { recall, remember } from "./dom.js";

const FLAGS = { supports_preview_metadata: true, supports_progress_text_metadata: true };

/** The name of this tab, which it keeps when it is loaded again: the server sends a job's events to its submitter. */
export const clientId = recall("client") ?? hex(16);
remember("client", clientId);

function hex(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** A canonical UUID. `crypto.randomUUID` would need https on every address but localhost. */
export function uuid() {
  const digits = hex(16);
  const variant = "89ab"[Number.parseInt(digits[16], 16) % 4];
  return [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, variant + digits.slice(17, 20),
    digits.slice(20)].join("-");
}

export class Socket extends EventTarget {
  #wait = 300;
  #running = null;

  connect() {
    const address = at(`ws?clientId=${clientId}`);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#wait = 300;
      socket.send(JSON.stringify({ type: "feature_flags", data: FLAGS }));
      this.#tell("open");
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#message(data) : this.#frame(data));
    socket.onclose = () => {
      this.#tell("close");
      setTimeout(() => this.connect(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, 5000);
    };
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #message(text) {
    const { type, data } = JSON.parse(text);
    if (type === "executing") this.#running = data.display_node ?? data.node;
    this.#tell(type, data);
  }

  /** Big-endian: a kind, then what belongs to it. Frames that are too short or of another kind are left out. */
  #frame(buffer) {
    const view = new DataView(buffer);
    if (buffer.byteLength < 8) return;
    const kind = view.getUint32(0);
    const length = view.getUint32(4);
    const rest = (start) => new Uint8Array(buffer, Math.min(start, buffer.byteLength));
    const text = (start, size) => new TextDecoder().decode(rest(start).subarray(0, size));
    if (kind === 1) {
      const picture = new Blob([rest(8)], { type: length === 2 ? "image/png" : "image/jpeg" });
      this.#tell("preview", { node: this.#running, picture });
    } else if (kind === 4) {
      const about = JSON.parse(text(8, length));
      const picture = new Blob([rest(8 + length)], { type: about.image_type });
      this.#tell("preview", { node: about.display_node_id ?? about.node_id, prompt_id: about.prompt_id, picture });
    } else if (kind === 3 && buffer.byteLength >= 12 + length) {
      const size = view.getUint32(8 + length);
      const start = 12 + length;
      this.#tell("text", { prompt_id: text(8, length), node: text(start, size), text: text(start + size) });
    }
  }
}
