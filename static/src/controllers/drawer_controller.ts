import { Controller } from "@hotwired/stimulus";

/** As in layout.css and sidebar.css. */
const WIDE = "(min-width: 900px)";

/** The sidebar as a drawer on narrow screens. On wide ones it is simply there. */
export default class extends Controller<HTMLElement> {
  static override targets = ["panel", "scrim", "toggle"];
  declare readonly panelTarget: HTMLElement;
  declare readonly scrimTarget: HTMLElement;
  declare readonly toggleTarget: HTMLElement;

  readonly #wide = matchMedia(WIDE);

  override connect(): void {
    this.#wide.addEventListener("change", this.#widened);
  }

  override disconnect(): void {
    this.#wide.removeEventListener("change", this.#widened);
  }

  toggle(): void {
    if (this.panelTarget.hasAttribute("data-open")) this.close();
    else this.#open();
  }

  close(): void {
    if (!this.panelTarget.hasAttribute("data-open")) return;
    this.panelTarget.removeAttribute("data-open");
    this.scrimTarget.hidden = true;
    this.#main.inert = false;
    this.toggleTarget.setAttribute("aria-expanded", "false");
    this.toggleTarget.focus();
  }

  readonly #widened = () => this.close();

  #open(): void {
    this.panelTarget.setAttribute("data-open", "");
    this.scrimTarget.hidden = false;
    this.#main.inert = true;
    this.toggleTarget.setAttribute("aria-expanded", "true");
    this.panelTarget.querySelector<HTMLElement>(".sidebar__new")?.focus();
  }

  get #main(): HTMLElement {
    const main = document.getElementById("main");
    if (main === null) throw new Error("the page has no main element");
    return main;
  }
}
