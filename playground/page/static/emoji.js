/** Emoji as pictures that the playground ships, so that no font of the machine is needed. */

const JOINER = 0x200d;
const AS_TEXT = 0xfe0e;
const AS_PICTURE = 0xfe0f;
const UNKNOWN = "2754";
/** Signs that are text unless they ask for a picture, as at Discord: © ® ™ ♟. */
const SIGNS = new Set([0xa9, 0xae, 0x2122, 0x265f]);

const names = await fetch("/emoji/index.json")
  .then((response) => response.json())
  .catch(() => []);
/** The pictures' names by their code points without the selectors, which people leave out. */
const pictures = new Map(names.map((name) => [bare(name.split("-").map((code) => parseInt(code, 16))), name]));
const beginnings = new Set([...pictures.keys()].map((key) => key.split("-", 1)[0]));
const LONGEST = Math.max(1, ...names.map((name) => name.split("-").length));

function bare(points) {
  return points
    .filter((point) => point !== AS_PICTURE)
    .map((point) => point.toString(16))
    .join("-");
}

/** Find the longest emoji with which these code points begin at `from`: { name, length }, or null. */
function emojiAt(points, from) {
  if (!beginnings.has(points[from].toString(16))) return unknownAt(points[from]);
  if (points[from + 1] === AS_TEXT) return null;
  if (SIGNS.has(points[from]) && points[from + 1] !== AS_PICTURE) return null;
  for (let length = Math.min(LONGEST + 2, points.length - from); length > 0; length -= 1) {
    const part = points.slice(from, from + length);
    if (part.at(-1) === JOINER) continue;
    const name = pictures.get(bare(part));
    if (name) return { name, length };
  }
  return null;
}

/** An emoji newer than our pictures becomes a question mark, which is better than an empty box. */
function unknownAt(point) {
  const tile = point >= 0x1f000 && point < 0x1f100; // mahjong, dominoes, cards
  const drawn = tile || (point >= 0x1f100 && /\p{Extended_Pictographic}/u.test(String.fromCodePoint(point)));
  return drawn && pictures.has(UNKNOWN) ? { name: UNKNOWN, length: 1 } : null;
}

function picture(name, text) {
  const image = document.createElement("img");
  image.className = "emoji";
  image.src = `/emoji/${name}.svg`;
  image.alt = text;
  image.draggable = false;
  return image;
}

/** Split a text into what can be appended: text, and pictures where it has emoji. */
export function pictured(text) {
  if (/^[\x00-\x22\x24-\x29\x2b-\x2f\x3a-\x7f]*$/.test(text)) return [text];
  const points = [...text].map((character) => character.codePointAt(0));
  const parts = [];
  let plain = "";
  for (let at = 0; at < points.length; ) {
    const found = emojiAt(points, at);
    if (found === null) {
      plain += String.fromCodePoint(points[at]);
      at += 1;
      continue;
    }
    if (plain) parts.push(plain);
    plain = "";
    parts.push(picture(found.name, String.fromCodePoint(...points.slice(at, at + found.length))));
    at += found.length;
  }
  if (plain) parts.push(plain);
  return parts;
}

/** Give a text without its emoji, for where no picture can stand: the window's title. */
export function unpictured(text) {
  const parts = pictured(text).filter((part) => typeof part === "string");
  return parts.join("").replace(/\s+/g, " ").trim();
}
