import type { ListedModel } from "../models/choices";
import type { ModelList } from "../models/model_list";
import { element } from "./elements";
import { type IconName, icon } from "./icons";

const BADGES: Readonly<Record<string, readonly [icon: IconName, words: string]>> = {
  images: ["image", "Reads images"],
  files: ["file-text", "Reads files"],
  audio: ["audio-lines", "Hears audio"],
  video: ["video", "Watches video"],
  tools: ["wrench", "Calls tools"],
  reasoning: ["brain", "Thinks before it answers"],
};

export interface Marks {
  readonly selectedId: string;
  readonly defaultId: string;
}

/**
 * The lines of the picker. Each line is made once and kept; lines out of sight are not laid out (see
 * picker.css). The star in a line is for pointers; the buttons below the list do the same for everybody.
 */
export class ModelListView {
  readonly #list: HTMLElement;
  readonly #mayPrefer: boolean;
  readonly #lines = new Map<string, { model: ListedModel; key: string; line: HTMLElement }>();
  #active: HTMLElement | null = null;

  constructor(list: HTMLElement, mayPrefer: boolean) {
    this.#list = list;
    this.#mayPrefer = mayPrefer;
  }

  draw(list: ModelList, marks: Marks): void {
    const sections = list.sections.map(({ label, models }, number) => {
      const id = `picker-section-${number}`;
      return element(
        "div",
        { role: "group", "aria-labelledby": id, class: "picker__section" },
        element("div", { id, class: "picker__label", role: "presentation", dir: "auto" }, label),
        ...models.map((model) => this.#line(model, marks)),
      );
    });
    this.#list.replaceChildren(...(sections.length > 0 ? sections : [nothing(list.query)]));
  }

  activate(model: ListedModel | null, search: HTMLElement): void {
    this.#active?.removeAttribute("data-active");
    this.#active = model === null ? null : this.#optionOf(model);
    this.#active?.setAttribute("data-active", "");
    if (this.#active === null) search.removeAttribute("aria-activedescendant");
    else search.setAttribute("aria-activedescendant", this.#active.id);
    this.#active?.scrollIntoView({ block: "nearest" });
  }

  /** The line in the middle, where the list has just been opened or searched. */
  reveal(model: ListedModel | null): void {
    if (model !== null) this.#optionOf(model)?.scrollIntoView({ block: "center" });
  }

  #optionOf(model: ListedModel): HTMLElement | null {
    return this.#lines.get(model.id)?.line.querySelector<HTMLElement>("[role=option]") ?? null;
  }

  #line(model: ListedModel, marks: Marks): HTMLElement {
    const key = `${model.id === marks.selectedId} ${model.id === marks.defaultId}`;
    const known = this.#lines.get(model.id);
    if (known !== undefined && known.model === model && known.key === key) return known.line;
    const id = known?.line.firstElementChild?.id ?? `picker-option-${this.#lines.size}`;
    const line = element(
      "div",
      { class: "picker__line", role: "presentation", "data-model-id": model.id },
      option(model, id, marks),
    );
    if (this.#mayPrefer) line.append(star(model));
    this.#lines.set(model.id, { model, key, line });
    return line;
  }
}

function option(model: ListedModel, id: string, marks: Marks): HTMLElement {
  const isSelected = model.id === marks.selectedId;
  const name = element("bdi", { class: "picker__name" }, model.name);
  const title = element("span", { class: "picker__title" }, name);
  if (model.id === marks.defaultId) title.append(element("span", { class: "tag" }, "Default"));
  const made = element(
    "div",
    { class: "picker__option", role: "option", id, "aria-selected": String(isSelected), title: model.id },
    title,
  );
  const told = facts(model);
  if (told.length > 0) made.append(element("span", { class: "picker__facts" }, ...told));
  if (model.reason) made.setAttribute("aria-disabled", "true");
  if (isSelected) made.append(icon("check"));
  return made;
}

function facts(model: ListedModel): Array<Node | string> {
  if (model.reason) return [model.reason];
  const told: Node[] = [];
  if (model.provider && model.provider !== model.group && !model.own) {
    told.push(element("span", { dir: "auto" }, model.provider));
  }
  if (model.window)
    told.push(element("span", { title: "It reads this much at once" }, `${model.window} tokens`));
  if (model.price) {
    const unit = element("span", { class: "visually-hidden" }, " USD per million tokens");
    told.push(element("span", { title: "USD per million tokens" }, model.price, unit));
  }
  const badges = (model.badges ?? []).flatMap((name) => BADGES[name] ?? []);
  if (badges.length > 0) told.push(badgesOf(model));
  return told;
}

function badgesOf(model: ListedModel): HTMLElement {
  const badges = element("span", { class: "picker__badges" });
  for (const name of model.badges ?? []) {
    const badge = BADGES[name];
    if (badge === undefined) continue;
    const [drawing, words] = badge;
    const mark = element("span", { title: words }, icon(drawing));
    mark.append(element("span", { class: "visually-hidden" }, `${words}. `));
    badges.append(mark);
  }
  return badges;
}

function star(model: ListedModel): HTMLElement {
  const attributes = {
    type: "button",
    class: "icon-button picker__star",
    tabindex: "-1",
    "aria-hidden": "true",
    title: model.favourite ? "Remove from favourites" : "Add to favourites",
    "data-star": "",
  };
  const made = element("button", attributes, icon("star"));
  made.toggleAttribute("data-on", model.favourite ?? false);
  return made;
}

function nothing(query: string): HTMLElement {
  const words = query.trim() === "" ? "There are no models yet." : `No model is called “${query.trim()}”.`;
  return element("p", { class: "picker__nothing", role: "presentation" }, words);
}
