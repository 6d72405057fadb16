/** A picture on its own, large, over the page. */

import { bytes, el, icon, write } from "./dom.js";

/** Open pictures (attachments) at one of them; arrow keys go on, Escape closes. */
export function openLightbox(pictures, start) {
  const returnTo = document.activeElement;
  let index = start;
  const image = el("img", { className: "lightbox-picture", draggable: false });
  const caption = el("p", { className: "lightbox-caption" });
  const facts = el("p", { className: "lightbox-facts" });
  const original = el(
    "a",
    { className: "round", target: "_blank", rel: "noopener", "aria-label": "Open original in a new tab", title: "Open original" },
    icon("external"),
  );
  const close = round("close", "Close", () => dialog.close());
  const back = round("left", "Previous picture", () => go(index - 1));
  const on = round("right", "Next picture", () => go(index + 1));
  back.classList.add("lightbox-back");
  on.classList.add("lightbox-on");
  const dialog = el(
    "dialog",
    { className: "lightbox", "aria-label": "Picture" },
    el("div", { className: "lightbox-tools" }, original, close),
    pictures.length > 1 && back,
    el("figure", {}, image, el("figcaption", {}, caption, facts)),
    pictures.length > 1 && on,
  );

  function go(to) {
    index = (to + pictures.length) % pictures.length;
    const picture = pictures[index];
    image.src = picture.url;
    image.alt = picture.description ?? picture.filename ?? "";
    fit(picture);
    write(caption, picture.description ?? "");
    const position = pictures.length > 1 ? `${index + 1} of ${pictures.length} · ` : "";
    const weight = picture.size ? ` · ${bytes(picture.size)}` : "";
    facts.textContent = `${position}${picture.width} × ${picture.height}${weight}`;
    original.href = picture.url;
  }

  function fit({ width, height }) {
    const room = { width: innerWidth * 0.82, height: innerHeight * 0.76 };
    let scale = Math.min(room.width / width, room.height / height);
    const small = Math.max(width, height) < 160;
    // Small pictures grow by whole numbers, so that every pixel stays a square.
    scale = small ? Math.max(1, Math.min(Math.floor(scale), 10)) : Math.min(scale, 1.5);
    image.width = Math.round(width * scale);
    image.height = Math.round(height * scale);
    image.classList.toggle("crisp", small);
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") go(index + 1);
    else if (event.key === "ArrowLeft") go(index - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(pictures.length - 1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.tagName === "FIGURE") dialog.close();
  });
  const refit = () => fit(pictures[index]);
  addEventListener("resize", refit);
  dialog.addEventListener("close", () => {
    removeEventListener("resize", refit);
    dialog.remove();
    returnTo?.focus?.();
  });
  go(start);
  document.body.append(dialog);
  dialog.showModal();
}

function round(shape, label, act) {
  return el("button", { className: "round", type: "button", "aria-label": label, title: label, onclick: act }, icon(shape));
}
