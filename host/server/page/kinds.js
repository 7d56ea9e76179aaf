// Kinds of nodes as this page uses them, from the protocol's /object_info.

import { words } from "./dom.js";

const WIDGETS = new Set(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR"]);

/** { name: kind } from { name: definition }. */
export function kindsOf(definitions) {
  return new Map(Object.entries(definitions).map(([name, definition]) => [name, kindOf(name, definition)]));
}

function kindOf(name, definition) {
  const section = (required) => {
    const group = definition.input?.[required ? "required" : "optional"] ?? {};
    const order = definition.input_order?.[required ? "required" : "optional"] ?? Object.keys(group);
    return order.filter((input) => group[input]).map((input) => inputOf(input, group[input], required));
  };
  return {
    name,
    title: definition.display_name || name,
    description: definition.description ?? "",
    category: definition.category || "other",
    output: definition.output_node === true,
    deprecated: definition.deprecated === true,
    aliases: definition.search_aliases ?? [],
    pack: /^custom_nodes\.(.+)$/.exec(definition.python_module ?? "")?.[1] ?? null,
    inputs: [...section(true), ...section(false)],
    outputs: (definition.output ?? []).map((type, slot) => ({
      name: definition.output_name?.[slot] ?? type,
      type,
      tip: definition.output_tooltips?.[slot] ?? "",
    })),
  };
}

function inputOf(name, [type, options = {}], required) {
  // Older servers write the choices in the place of the type.
  const choices = Array.isArray(type) ? type : options.options;
  const known = Array.isArray(type) ? "COMBO" : type;
  return {
    name,
    title: options.display_name ?? words(name),
    type: known,
    required,
    widget: WIDGETS.has(known) && options.forceInput !== true,
    choices: choices ?? [],
    file: options.image_upload === true,
    color: known === "COLOR" || options.display === "color",
    folded: options.advanced === true,
    value: "default" in options ? options.default : known === "COMBO" ? choices?.[0] : undefined,
    min: options.min,
    max: options.max,
    step: options.step,
    unit: options.unit ?? "",
    multiline: options.multiline === true,
    tip: options.tooltip ?? "",
  };
}

/** "0 to 1", "at least 1", or "". */
export function range({ type, min, max }) {
  if (type !== "INT" && type !== "FLOAT") return "";
  const bounded = (value) => value != null && Math.abs(value) < 2 ** 31;
  if (bounded(min) && bounded(max)) return `${min} to ${max}`;
  if (bounded(min)) return `at least ${min}`;
  return bounded(max) ? `at most ${max}` : "";
}

const HUES = { IMAGE: 215, MASK: 150, FEATURES: 45, OBJECTIVE: 85, GENERATOR: 310, MAPPING: 335, DISCRIMINATOR: 10 };

/** The hue of a wire type in degrees; unions take the hue of their first type. */
export function hue(type) {
  const first = type.split(",")[0];
  if (first.startsWith("LATENT")) return 275;
  return HUES[first] ?? [...first].reduce((sum, letter) => sum + 37 * letter.charCodeAt(0), 0) % 360;
}
