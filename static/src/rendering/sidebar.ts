import { NewestActivity, type SidebarLine } from "../models/sidebar";
import { element, setText } from "./elements";

const TODAY = "Today";

/** The lines of the sidebar. They are changed in place, so that focus and scrolling stay. */
export class SidebarView {
  readonly #groups: HTMLElement;
  readonly #newest: NewestActivity;

  constructor(groups: HTMLElement, renderedAt: string) {
    this.#groups = groups;
    this.#newest = new NewestActivity(renderedAt);
  }

  get current(): Element | null {
    return this.#groups.querySelector("[data-current]");
  }

  /** Writes a line, at the top where it is the newest. False where it is not known where it belongs. */
  put(line: SidebarLine): boolean {
    const isNewest = this.#newest.isNewer(line);
    let item = this.#item(line.id);
    if (item === null && !isNewest) return false;
    item ??= makeItem(line.id);
    const link = item.querySelector(".sidebar__title");
    if (link !== null) setText(link, line.title);
    item.querySelector(".sidebar__more")?.setAttribute("aria-label", `More for ${line.title}`);
    item.toggleAttribute("data-running", line.is_running);
    if (isNewest) this.#toTop(item);
    return true;
  }

  remove(id: string): void {
    this.#item(id)?.remove();
    this.#dropEmptyGroups();
  }

  markCurrent(id: string): void {
    for (const item of this.#groups.querySelectorAll(".sidebar__item")) {
      const isCurrent = id !== "" && item.getAttribute("data-conversation-id") === id;
      item.toggleAttribute("data-current", isCurrent);
      const link = item.querySelector(".sidebar__link");
      if (isCurrent) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    }
  }

  /** A page of older lines may begin with the day that the page before ended with. */
  mergeGroups(): void {
    const seen = new Map<string, Element>();
    for (const group of [...this.#groups.querySelectorAll(".sidebar__group")]) {
      const label = group.getAttribute("data-group") ?? "";
      const first = seen.get(label);
      if (first === undefined) {
        seen.set(label, group);
        continue;
      }
      first.querySelector("ul")?.append(...group.querySelectorAll(".sidebar__item"));
      group.remove();
    }
  }

  #item(id: string): HTMLElement | null {
    return this.#groups.querySelector<HTMLElement>(`[data-conversation-id="${CSS.escape(id)}"]`);
  }

  #toTop(item: HTMLElement): void {
    const list = this.#today();
    if (list.firstElementChild === item) return;
    const focused = item.contains(document.activeElement) ? document.activeElement : null;
    list.prepend(item);
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    this.#dropEmptyGroups();
  }

  #today(): Element {
    const first = this.#groups.querySelector(".sidebar__group");
    const list = first?.querySelector("ul");
    if (first?.getAttribute("data-group") === TODAY && list) return list;
    const made = element("ul", { class: "sidebar__list" });
    const heading = element("h2", { class: "sidebar__day" }, TODAY);
    this.#groups.querySelector(".sidebar__empty")?.remove();
    this.#groups.prepend(element("section", { class: "sidebar__group", "data-group": TODAY }, heading, made));
    return made;
  }

  #dropEmptyGroups(): void {
    for (const group of [...this.#groups.querySelectorAll(".sidebar__group")]) {
      if (group.querySelector(".sidebar__item") === null) group.remove();
    }
  }
}

function makeItem(id: string): HTMLElement {
  const template = document.getElementById("sidebar-item");
  if (!(template instanceof HTMLTemplateElement)) throw new Error("the page has no template for a line");
  const item = template.content.querySelector(".sidebar__item")?.cloneNode(true);
  if (!(item instanceof HTMLElement)) throw new Error("the template for a line is empty");
  item.id = `item-${id}`;
  item.setAttribute("data-conversation-id", id);
  item.querySelector("a")?.setAttribute("href", `/c/${id}/`);
  return item;
}
