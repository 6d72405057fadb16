/** Attachments: pictures in a grid, other files as rows. */

import { bytes, el, icon } from "./dom.js";
import { openLightbox } from "./lightbox.js";

const WIDEST = 520;
const TALLEST = 400;
const GAP = 4;
/** Pictures below this many pixels are enlarged by whole numbers, so that one can see them. */
const SMALL = 160;

function isPicture(attachment) {
  return (attachment.content_type ?? "").startsWith("image/") && attachment.width > 0;
}

/** How large a picture is shown, in CSS pixels, when it may take up to `room` a side. */
export function shownSize(width, height, room, tallest = room) {
  if (Math.max(width, height) < SMALL) {
    const times = Math.max(1, Math.min(Math.floor(room / width), Math.floor(tallest / height), 4));
    return { width: width * times, height: height * times, crisp: true };
  }
  const scale = Math.min(1, room / width, tallest / height);
  return { width: Math.round(width * scale), height: Math.round(height * scale), crisp: false };
}

/** Show a message's attachments; pictures open in the lightbox. */
export function gallery(attachments) {
  const pictures = attachments.filter(isPicture);
  const files = attachments.filter((attachment) => !isPicture(attachment));
  return [pictures.length > 0 && grid(pictures), files.map(row)];
}

function grid(pictures) {
  const several = pictures.length > 1;
  const columns = pictures.length > 4 ? 3 : several ? 2 : 1;
  const room = several ? Math.floor((WIDEST - GAP * (columns - 1)) / columns) : WIDEST;
  const tallest = several ? 260 : TALLEST;
  const tiles = pictures.map((picture, index) => {
    const size = shownSize(picture.width, picture.height, several ? Math.min(room, 260) : room, tallest);
    const image = el("img", {
      src: picture.url,
      alt: picture.description ?? "",
      width: size.width,
      height: size.height,
      className: size.crisp ? "crisp" : "",
      draggable: false,
    });
    const which = `picture ${index + 1} of ${pictures.length}`;
    const about = picture.description ? `: ${picture.description}` : "";
    const tile = el(
      "button",
      { className: "tile", type: "button" },
      image,
      picture.description && el("span", { className: "alt-mark", title: picture.description, "aria-hidden": "true" }, "ALT"),
    );
    const open = () => openLightbox(pictures, index);
    cover(tile, picture, { hidden: `Show the spoiler, ${which}`, shown: `Open ${which}${about}` }, open);
    return tile;
  });
  return el("div", { className: `grid columns-${columns}` }, tiles);
}

const SPOILER = 1 << 3;
/** Revealed spoilers, by attachment id. */
const revealed = new Set();

function isSpoiler(attachment) {
  return attachment.filename.startsWith("SPOILER_") || Boolean((attachment.flags ?? 0) & SPOILER);
}

/** Keep a spoiler blurred until clicked; the next click opens it. */
function cover(tile, picture, labels, open) {
  const draw = () => {
    const hidden = isSpoiler(picture) && !revealed.has(picture.id);
    tile.classList.toggle("covered", hidden);
    tile.setAttribute("aria-label", hidden ? labels.hidden : labels.shown);
    tile.onclick = hidden ? show : open;
  };
  const show = () => {
    revealed.add(picture.id);
    draw();
  };
  draw();
}

function row(file) {
  return el(
    "div",
    { className: "file" },
    icon("file"),
    el(
      "div",
      {},
      el("a", { href: file.url, target: "_blank", rel: "noopener" }, file.filename),
      el("small", {}, bytes(file.size)),
    ),
  );
}

/** Wait until the pictures below an element can be drawn, but not for long. */
export function drawable(element) {
  const pictures = [...element.querySelectorAll("img")].map((image) => image.decode().catch(() => null));
  const patience = new Promise((resolve) => setTimeout(resolve, 1500));
  return Promise.race([Promise.all(pictures), patience]);
}
