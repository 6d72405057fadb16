/** Side panels: beside the conversation on a wide screen, sliding over it on a narrow one. */

const scrim = document.getElementById("scrim");
let open = null;

/** A panel that its button opens; it keeps the focus until it is closed. */
export class Drawer {
  constructor(panel, button) {
    this.panel = panel;
    this.button = button;
    button.addEventListener("click", () => this.open());
    panel.querySelector(".drawer-close").addEventListener("click", () => this.close());
    // A window that grows wide enough shows the panel in its place again.
    new ResizeObserver(() => getComputedStyle(button).display === "none" && this.close()).observe(document.body);
  }

  open() {
    open?.close();
    open = this;
    this.show(true);
    (this.panel.querySelector("[aria-current]") ?? this.panel.querySelector(".drawer-close")).focus();
  }

  close() {
    if (open !== this) return;
    open = null;
    const elsewhere = !this.panel.contains(document.activeElement) && document.activeElement !== document.body;
    this.show(false);
    if (!elsewhere) this.button.focus();
  }

  show(wanted) {
    this.panel.classList.toggle("open", wanted);
    this.button.setAttribute("aria-expanded", String(wanted));
    scrim.hidden = !wanted;
    for (const element of document.querySelectorAll("body > .skip, #topbar, #banner, #conversation, #sidebar, #members")) {
      element.inert = wanted && element !== this.panel;
    }
  }
}

scrim.addEventListener("click", () => open?.close());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) open?.close();
});
