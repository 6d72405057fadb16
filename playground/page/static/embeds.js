/** Embeds: the framed part of a message. */

import { el } from "./dom.js";
import { shownSize } from "./gallery.js";
import { openLightbox } from "./lightbox.js";
import { markdown } from "./markdown.js";

function picture(media, room, className) {
  if (!media?.url) return null;
  const width = media.width ?? room;
  const height = media.height ?? room;
  const size = shownSize(width, height, room, Math.min(room, 300));
  const image = el("img", {
    src: media.url,
    alt: "",
    width: size.width,
    height: size.height,
    className: size.crisp ? "crisp" : "",
  });
  const open = () => openLightbox([{ ...media, width, height }], 0);
  return el("button", { className, type: "button", "aria-label": "Open picture", onclick: open }, image);
}

function linked(text, url, className) {
  if (!text) return null;
  const content = markdown(text);
  if (!url) return el("div", { className }, content);
  return el("div", { className }, el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, content));
}

/** The small picture before an author or a footer. */
function mark(url) {
  return url && el("img", { className: "embed-mark", src: url, alt: "" });
}

function footer(embed) {
  const date = embed.timestamp && new Date(embed.timestamp);
  const when = date && new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeStyle: "short" }).format(date);
  const text = [embed.footer?.text, when].filter(Boolean).join(" • ");
  return text && el("div", { className: "embed-footer" }, mark(embed.footer?.icon_url), text);
}

/** Show one embed. */
export function embedded(embed) {
  const frame = el(
    "article",
    { className: "embed" },
    el(
      "div",
      { className: "embed-text" },
      embed.author?.name && el("div", { className: "embed-by" }, mark(embed.author.icon_url), linked(embed.author.name, embed.author.url, "embed-author")),
      linked(embed.title, embed.url, "embed-title"),
      embed.description && el("div", { className: "embed-description" }, markdown(embed.description)),
      embed.fields?.length > 0 &&
        el(
          "div",
          { className: "embed-fields" },
          embed.fields.map((field) =>
            el(
              "div",
              { className: field.inline ? "embed-field inline" : "embed-field" },
              el("div", { className: "embed-field-name" }, markdown(field.name)),
              el("div", { className: "embed-field-value" }, markdown(field.value)),
            ),
          ),
        ),
      picture(embed.image, 400, "embed-image"),
      footer(embed),
    ),
    picture(embed.thumbnail, 80, "embed-thumbnail"),
  );
  if (embed.color) frame.style.borderLeftColor = `#${embed.color.toString(16).padStart(6, "0")}`;
  return frame;
}
