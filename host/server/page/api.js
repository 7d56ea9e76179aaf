// The server's routes. Paths are relative, so that the page also works behind a proxy with a prefix.

import { kindsOf } from "./kinds.js";

/** The page is at the root, or beside ComfyUI's editor at `dreamwire/`. */
const root = new URL(location.pathname.replace(/(dreamwire\/)?[^/]*$/, ""), location.origin);

export const at = (path) => new URL(path, root);

export class Refusal extends Error {
  /** `body` is the answer's JSON, if it had one. */
  constructor(message, status, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(at(path), options);
  } catch {
    throw new Refusal("The server does not answer. Is `dreamwire serve` still running?", 0);
  }
  if (answer.ok) return answer;
  if (answer.status === 401) {
    throw new Refusal("The server asks for its token. Open the address that `dreamwire serve` printed.", 401);
  }
  const text = await answer.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every refusal is JSON; its text is shown as it is.
  }
  const said = body?.error?.message ?? body?.error ?? body?.message ?? text.slice(0, 300);
  throw new Refusal(typeof said === "string" && said ? said : `The server answered ${answer.status}.`, answer.status, body);
}

const json = async (path) => (await ask(path)).json();
const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const kinds = async () => kindsOf(await json("object_info"));
export const graphs = () => json("dreamwire/graphs");
export const graph = async (name) => (await ask(`dreamwire/graphs/${encodeURIComponent(name)}?form=api`)).text();
export const pictures = () => json("dreamwire/pictures");

/** What the gallery of templates says of the graphs, by file name: { title, description, picture }. */
export async function templates() {
  const groups = await json("templates/index.json").catch(() => []);
  return new Map(groups.flatMap((group) => group.templates).map(({ name, title, description, mediaSubtype }) =>
    [`${name}.json`, { title, description, picture: at(`templates/${encodeURIComponent(name)}-1.${mediaSubtype}`).href }]));
}

/** Whether ComfyUI's editor is at the root, and this page beside it. */
export async function hasEditor() {
  if (root.pathname === location.pathname) return false;
  const page = await ask("").then((answer) => answer.text()).catch(() => "Dreamwire");
  return !page.includes('content="Dreamwire"');
}

/** The documentation of a kind as Markdown, or null where the server has none. */
export const help = (kind) =>
  ask(kind.pack ? `extensions/${kind.pack}/docs/${kind.name}.md` : `docs/${kind.name}/en.md`)
    .then((answer) => answer.text()).catch(() => null);

/** The address of a picture as the protocol names it: { filename, subfolder, type }. */
export function view({ filename, subfolder = "", type = "output" }, extra = {}) {
  return at(`view?${new URLSearchParams({ filename, subfolder, type, ...extra })}`).href;
}

/** A picture of the input folder, named as a LoadImage names it. */
export function inputView(name) {
  const cut = name.lastIndexOf("/");
  return view({ filename: name.slice(cut + 1), subfolder: name.slice(0, Math.max(cut, 0)), type: "input" });
}

/** Puts a picture into the input folder and returns the name by which a node reads it. */
export async function upload(file) {
  const form = new FormData();
  form.append("image", file, file.name || "picture.png");
  const { name, subfolder } = await (await ask("upload/image", { method: "POST", body: form })).json();
  return subfolder ? `${subfolder}/${name}` : name;
}

export const submit = async (body) => (await post("prompt", body)).json();
export const interrupt = (prompt_id) => post("interrupt", { prompt_id });
export const jobs = async () => (await json("api/jobs?limit=60&offset=0")).jobs;
export const cancel = (id) => post(`api/jobs/${id}/cancel`, {});
export const clearQueue = () => post("queue", { clear: true });
export const forget = (ids) => post("history", { delete: ids });
export const history = async (id) => (await json(`history/${id}`))[id] ?? null;
export const bytes = async (address) => (await ask(address)).blob();
