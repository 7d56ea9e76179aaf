// A graph as a file has it: nodes by id, whose inputs are values or links.

const STRING = '"(?:\\\\.|[^"\\\\])*"';

/** JSON with comments and trailing commas, as graph files may have them. */
function relaxed(text) {
  const keep = (pattern) => new RegExp(`${STRING}|${pattern}`, "g");
  const only = (replacement) => (match) => (match[0] === '"' ? match : replacement);
  const bare = text.replace(keep("//[^\\n]*|/\\*[\\s\\S]*?\\*/"), only(" "));
  return bare.replace(keep(",(?=\\s*[}\\]])"), only(""));
}

export class Graph {
  /** Throws an Error with a sentence for the user. `name` is its name in the folder, or null. */
  constructor(text, { name = null, title = null } = {}) {
    this.name = name;
    this.title = title ?? name ?? "Untitled";
    const parsed = JSON.parse(relaxed(text));
    if (Array.isArray(parsed?.nodes)) {
      throw new Error("This graph is in the form of ComfyUI's editor. Export it there in the API form, or open it there.");
    }
    const nodes = parsed?.prompt ?? parsed;
    this.nodes = new Map(Object.entries(nodes ?? {}).filter(([, node]) => typeof node?.class_type === "string"));
    if (this.nodes.size === 0) throw new Error("There are no nodes in it.");
    for (const node of this.nodes.values()) node.inputs ??= {};
    this.original = structuredClone(this.nodes);
  }

  /** What POST /prompt takes. */
  prompt() {
    return Object.fromEntries(this.nodes);
  }

  text() {
    return `${JSON.stringify(this.prompt(), null, 2)}\n`;
  }

  titleOf(id, kind) {
    const named = this.nodes.get(id)._meta?.title;
    if (named && named !== kind?.name) return named;
    // Ids that are words were chosen by the author: they say more than the kind. Without vowels they are abbreviations.
    if (!/[a-z]/i.test(id)) return kind?.title ?? id;
    return id.split("_").map((word) => (/[aeiouy]/i.test(word) ? word : word.toUpperCase())).join(" ");
  }

  /** Whether `value` is a link to a node that exists; other lists of two are values. */
  isLink(value) {
    return Array.isArray(value) && value.length === 2 && this.nodes.has(String(value[0]))
      && (typeof value[1] === "number" || typeof value[1] === "string");
  }

  /** The links into a node: [{ input, from, slot }]. */
  links(id) {
    return Object.entries(this.nodes.get(id).inputs).filter(([, value]) => this.isLink(value))
      .map(([input, [from, slot]]) => ({ input, from: String(from), slot }));
  }

  /** The value of an input as it is now, or the kind's default. */
  value(id, input) {
    const { inputs } = this.nodes.get(id);
    return input.name in inputs ? inputs[input.name] : input.value;
  }

  set(id, name, value) {
    this.nodes.get(id).inputs[name] = value;
  }

  /** Back to what the file says, or to the kind's default. */
  reset(id, name) {
    const { inputs } = this.original.get(id);
    if (name in inputs) this.set(id, name, inputs[name]);
    else delete this.nodes.get(id).inputs[name];
  }

  isEdited(id, name) {
    const before = this.original.get(id).inputs[name];
    return JSON.stringify(this.nodes.get(id).inputs[name]) !== JSON.stringify(before);
  }

  /** All values that differ from the file's: [[id, input, value]]. */
  edits() {
    return [...this.nodes].flatMap(([id, node]) => Object.keys(node.inputs)
      .filter((name) => this.isEdited(id, name)).map((name) => [id, name, node.inputs[name]]));
  }

  apply(edits) {
    for (const [id, name, value] of edits ?? []) if (this.nodes.has(id)) this.set(id, name, value);
  }

  /** The nodes that `outputs` need, with themselves. */
  needed(outputs) {
    const seen = new Set();
    const waiting = [...outputs];
    while (waiting.length) {
      const id = waiting.pop();
      if (seen.has(id)) continue;
      seen.add(id);
      waiting.push(...this.links(id).map((link) => link.from));
    }
    return seen;
  }

  /** Ids in columns, from sources to outputs; what feeds only late nodes stands beside them. */
  columns() {
    const users = new Map([...this.nodes.keys()].map((id) => [id, []]));
    for (const id of this.nodes.keys()) for (const { from } of this.links(id)) users.get(from).push(id);
    const order = this.#order(users);
    const depth = new Map();
    for (const id of order) {
      depth.set(id, Math.max(0, ...this.links(id).map(({ from }) => (depth.get(from) ?? -1) + 1)));
    }
    for (const id of order.toReversed()) {
      if (users.get(id).length) depth.set(id, Math.max(depth.get(id), Math.min(...users.get(id).map((u) => depth.get(u))) - 1));
    }
    const columns = Array.from({ length: Math.max(...depth.values()) + 1 }, () => []);
    for (const id of this.nodes.keys()) columns[depth.get(id)].push(id);
    return this.#untangle(columns.filter((column) => column.length), users);
  }

  /** Every node after those it reads; nodes of a cycle at the end, in the order of the file. */
  #order(users) {
    const open = new Map([...this.nodes.keys()].map((id) => [id, this.links(id).length]));
    const ready = [...open.keys()].filter((id) => open.get(id) === 0);
    for (const id of ready) {
      for (const user of users.get(id)) {
        open.set(user, open.get(user) - 1);
        if (open.get(user) === 0) ready.push(user);
      }
    }
    return [...ready, ...[...open.keys()].filter((id) => !ready.includes(id))];
  }

  /**
   * Sorts each column by the mean height of what its nodes read; the author's order decides where that does not. What
   * nothing else reads comes last, so that the line that goes on stays straight.
   */
  #untangle(columns, users) {
    const height = new Map();
    for (const column of columns) {
      const own = new Map(column.map((id, row) => [id, row / column.length]));
      const wish = new Map(column.map((id) => {
        const sources = this.links(id).map((link) => height.get(link.from) ?? 0);
        const mean = sources.length ? sources.reduce((sum, y) => sum + y) / sources.length : own.get(id);
        return [id, users.get(id).length ? mean : mean + 1];
      }));
      column.sort((a, b) => wish.get(a) - wish.get(b));
      column.forEach((id, row) => height.set(id, row / column.length));
    }
    return columns;
  }
}

/** The graph that a dropped file carries: a graph file, or a PNG that Dreamwire wrote. Null for a picture without one. */
export async function graphOf(file, pngTexts) {
  const picture = file.type.startsWith("image/") || /\.(png|jpe?g|webp|tiff?)$/i.test(file.name ?? "");
  if (!picture) return new Graph(await file.text(), { title: (file.name ?? "").replace(/\.json$/i, "") });
  const { prompt } = await pngTexts(file);
  return prompt ? new Graph(prompt, { title: (file.name ?? "Picture").replace(/\.\w+$/, "") }) : null;
}
