/** Light or dark: as the system has it, or as a person chose in this browser. */

const KEY = "appearance";

/** What one can choose. */
export const APPEARANCES = { auto: "As the system", light: "Light", dark: "Dark" };

/** The choice that holds. */
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
