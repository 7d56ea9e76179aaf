// Elements, icons and short messages. Text is set as text everywhere, never parsed as HTML.

export const $ = (id) => document.getElementById(id);

/** An element: h("button", { class: "quiet", onclick: stop }, "Stop"). Values that are false or null are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** One of the symbols of index.html. It is decoration: the control that holds it has a name of its own. */
export const icon = (name) =>
  svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#icon-${name}` }));

export const iconButton = (name, label, onclick, attributes = {}) =>
  h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes },
    icon(name));

/** "octave_scale" as people read it. */
export const words = (name) => name.replaceAll("_", " ");
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

let messages = 0;

/** A message at the bottom of the window; with an action it stays until it is answered. */
export function say(text, { bad = false, action = null } = {}) {
  const close = () => box.remove();
  const box = h("div", { class: bad ? "message bad" : "message", role: bad ? "alert" : "status" },
    h("span", {}, text),
    action && h("button", { type: "button", onclick: () => { close(); action.run(); } }, action.label),
    iconButton("close", "Dismiss", close));
  box.id = `message-${(messages += 1)}`;
  $("messages").append(box);
  while ($("messages").children.length > 3) $("messages").firstChild.remove();
  if (!action) setTimeout(close, bad ? 9000 : 5000);
}

/** A length of time in the form that a person would say. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.round(seconds % 60)).padStart(2, "0")} s`;
}

/**
 * For questions that may be asked again before they are answered, as answers may overtake each other: `const isNewest =
 * turn()` before the question, and after the answer `isNewest()` tells whether no other one was asked since.
 */
export function turns() {
  let last = 0;
  return () => {
    const mine = (last += 1);
    return () => mine === last;
  };
}

/** What the session keeps under `key`, or null; storage that is full or forbidden is no error. */
export function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Only comfort is lost: a reloaded page begins anew.
  }
}
