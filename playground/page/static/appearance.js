/** Light or dark: the system's setting, or the person's choice in this browser. */

const KEY = "appearance";

/** The choices. */
export const APPEARANCES = { auto: "As the system", light: "Light", dark: "Dark" };

/** The current choice. */
export function appearance() {
  const kept = localStorage.getItem(KEY);
  return Object.hasOwn(APPEARANCES, kept ?? "") ? kept : "auto";
}

/** Choose. */
export function appear(wanted) {
  localStorage.setItem(KEY, wanted);
  follow();
}

function follow() {
  document.documentElement.dataset.theme = appearance();
}

addEventListener("storage", follow);
follow();
