// One tooltip for the whole page: what has `data-tip` shows it when the pointer rests on it or its control has the focus.

import { h } from "./dom.js";

export function tooltips() {
  const box = h("div", { class: "tip", role: "tooltip", id: "tip", hidden: true });
  document.body.append(box);
  let timer = 0;

  const hide = () => {
    clearTimeout(timer);
    box.hidden = true;
  };
  const show = (target) => {
    if (!target.dataset.tip || !target.isConnected) return;
    box.textContent = target.dataset.tip;
    box.hidden = false;
    const at = target.getBoundingClientRect();
    const { width, height } = box.getBoundingClientRect();
    const below = at.bottom + 6 + height < innerHeight;
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    box.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
  };
  const soon = (target, wait) => {
    hide();
    if (target) timer = setTimeout(show, wait, target);
  };

  document.addEventListener("pointerover", (event) => soon(event.target.closest?.("[data-tip]"), 450));
  document.addEventListener("focusin", (event) => {
    // Only for those who came by keyboard: a click has its own reasons.
    if (event.target.matches(":focus-visible")) soon(event.target.closest(".field")?.querySelector("[data-tip]"), 700);
  });
  for (const end of ["pointerdown", "focusout", "keydown"]) document.addEventListener(end, hide);
  document.addEventListener("scroll", hide, true);
  addEventListener("hashchange", hide);
}
