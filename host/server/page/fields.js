// The control of one input: a number with or without a slider, choices, a switch, text, or a file.

import { h, iconButton, icon } from "./dom.js";
import { range } from "./kinds.js";

let count = 0;

/**
 * A labelled control for `input` (of kinds.js). `change(value)` hears of every change, `reset()` of the wish to have the
 * file's value back, `upload(file)` resolves to the name of an uploaded picture.
 *
 * `field.show(value, edited)` sets what it shows; `field.mark(text)` says what is wrong with it, or nothing.
 */
export function field(input, { change, reset, upload }) {
  const id = `field-${(count += 1)}`;
  const control = controlOf(input, id, { change, upload });
  const undo = iconButton("reset", `Reset ${input.title}`, reset, { class: "icon-button reset" });
  const error = h("p", { class: "field-error", id: `${id}-error`, hidden: true });
  const label = h("label", { for: id, "data-tip": tip(input) }, input.title);
  const element = h("div", { class: `field ${control.style ?? ""}` }, label, undo, ...control.parts, error);
  return {
    element,
    show(value, edited) {
      control.show(value);
      element.classList.toggle("edited", edited);
      undo.hidden = !edited;
    },
    mark(text) {
      error.textContent = text ?? "";
      error.hidden = !text;
      element.classList.toggle("bad", Boolean(text));
      control.main.toggleAttribute("aria-invalid", Boolean(text));
      if (text) control.main.setAttribute("aria-describedby", error.id);
      else control.main.removeAttribute("aria-describedby");
    },
    /** Takes a dropped picture; only for inputs that name files. */
    take: control.take,
  };
}

/** The documentation of an input, for a tooltip. */
export function tip(input) {
  const facts = [range(input), input.unit && `in ${input.unit}`, input.required || input.widget ? "" : "optional"];
  const preset = input.value === undefined || input.value === "" ? "" : `default ${input.value}`;
  const line = [...facts, preset].filter(Boolean).join(", ");
  return [plain(input.tip), line].filter(Boolean).join("\n");
}

/** Documentation without its marks of code, for where only text can stand. */
export const plain = (text) => text.replaceAll("\n", " ").replaceAll("`", "");

function controlOf(input, id, { change, upload }) {
  if (input.file) return file(input, id, change, upload);
  if (input.type === "COMBO") return choice(input, id, change);
  if (input.type === "BOOLEAN") return toggle(id, change);
  if (input.color) return color(input, id, change);
  if (input.type === "INT" || input.type === "FLOAT") return number(input, id, change);
  return text(input, id, change);
}

function number(input, id, change) {
  const whole = input.type === "INT";
  const step = input.step ?? (whole ? 1 : 0.01);
  const entry = h("input", { id, type: "number", inputmode: whole ? "numeric" : "decimal", step });
  const read = (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text));
  // The server judges values; the page only shows early what it will say.
  const judge = () => entry.classList.toggle("outside",
    entry.value !== "" && (entry.value < (input.min ?? -Infinity) || entry.value > (input.max ?? Infinity)));
  const seed = /seed$/.test(input.name);
  const span = input.max - input.min;
  const sliding = !seed && span > 0 && span <= (whole ? 512 : 100) && span / step <= 4000;
  const parts = [h("span", { class: "number" }, entry, input.unit && h("span", { class: "unit" }, input.unit))];
  let slider = null;
  if (sliding) {
    slider = h("input", { type: "range", min: input.min, max: input.max, step, tabindex: -1,
      "aria-hidden": "true",
      oninput: () => { entry.value = slider.value; fill(); change(read(slider.value)); } });
    parts.push(slider);
  }
  const fill = () => {
    judge();
    slider?.style.setProperty("--filled", `${(100 * (Number(slider.value) - input.min)) / span}%`);
  };
  entry.addEventListener("input", () => {
    if (slider) slider.value = entry.value;
    fill();
    change(read(entry.value));
  });
  if (seed) {
    parts.push(iconButton("dice", "A random seed", () => {
      entry.value = Math.floor(Math.random() * 2 ** 31);
      entry.dispatchEvent(new Event("input"));
    }));
  }
  return {
    main: entry,
    parts,
    style: sliding ? "with-slider" : seed ? "with-button" : "",
    show(value) {
      if (document.activeElement !== entry) entry.value = value ?? "";
      if (slider) slider.value = value ?? input.min;
      fill();
    },
  };
}

function choice(input, id, change) {
  const select = h("select", { id, onchange: () => change(typed.get(select.value) ?? select.value) });
  const typed = new Map(input.choices.map((value) => [String(value), value]));
  const list = (choices) => select.replaceChildren(...choices.map((value) => h("option", {}, String(value))));
  list(input.choices);
  return {
    main: select,
    parts: [select],
    show(value) {
      const shown = String(value ?? "");
      // A value that is not offered stays visible; the server says what it thinks of it.
      if (![...select.options].some((option) => option.value === shown)) select.append(h("option", {}, shown));
      select.value = shown;
    },
  };
}

function toggle(id, change) {
  const box = h("input", { id, type: "checkbox", class: "switch", role: "switch", onchange: () => change(box.checked) });
  return { main: box, parts: [box], show: (value) => { box.checked = value === true; } };
}

/** A colour as #rrggbb or as a whole number: text or number to type, and the browser's own picker beside it. */
function color(input, id, change) {
  const whole = input.type === "INT";
  const entry = h("input", { id, type: "text", spellcheck: "false", autocomplete: "off" });
  const swatch = h("input", { type: "color", "aria-label": `Pick ${input.title}` });
  const hex = (value) => (whole ? `#${(Number(value) & 0xffffff).toString(16).padStart(6, "0")}` : String(value ?? ""));
  const paint = () => {
    const found = hex(entry.value);
    if (/^#[0-9a-f]{6}/i.test(found)) swatch.value = found.slice(0, 7);
  };
  entry.addEventListener("input", () => {
    paint();
    change(whole && /^\d+$/.test(entry.value) ? Number(entry.value) : entry.value);
  });
  swatch.addEventListener("input", () => {
    entry.value = whole ? Number.parseInt(swatch.value.slice(1), 16) : swatch.value;
    change(whole ? Number(entry.value) : entry.value);
  });
  const show = (value) => {
    if (document.activeElement !== entry) entry.value = value ?? "";
    paint();
  };
  return { main: entry, parts: [h("span", { class: "number" }, entry), swatch], style: "with-button", show };
}

function text(input, id, change) {
  const box = input.multiline
    ? h("textarea", { id, rows: 3, spellcheck: "false" })
    : h("input", { id, type: "text", spellcheck: "false", autocomplete: "off" });
  box.addEventListener("input", () => change(box.value));
  const show = (value) => {
    if (document.activeElement !== box) box.value = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  };
  return { main: box, parts: [box], style: "wide", show };
}

function file(input, id, change, upload) {
  const list = choice(input, id, change);
  const send = async (picked) => {
    if (!picked) return;
    const name = await upload(picked);
    if (name == null) return;
    list.show(name);
    change(name);
  };
  const hidden = h("input", { type: "file", accept: "image/*", hidden: true,
    onchange: () => { send(hidden.files[0]); hidden.value = ""; } });
  const button = h("button", { type: "button", class: "upload", onclick: () => hidden.click() }, icon("upload"), "Upload");
  return { ...list, parts: [list.main, button, hidden], style: "with-upload", take: send };
}
