import { Controller } from "@hotwired/stimulus";
import { aboutModel, type Effort, effortWord, type ListedModel } from "../models/choices";
import { ModelList, type Step } from "../models/model_list";
import { announce, choice, mayPrefer } from "../page";
import { element, setText } from "../rendering/elements";
import { ModelListView } from "../rendering/model_list";
import { storePreference } from "../rendering/preferences";

const MARGIN_PX = 8;
/** As in picker.css. */
const NARROW = "(max-width: 599px)";
const STEPS: Readonly<Record<string, Step>> = {
  ArrowDown: "next",
  ArrowUp: "previous",
  PageDown: "page-down",
  PageUp: "page-up",
  Home: "first",
  End: "last",
};

/** Choosing the model and how much it thinks: the button and its list, the effort, what to do where it is gone. */
export default class extends Controller<HTMLElement> {
  static override targets = [
    "button", "name", "panel", "search", "list", "count", "about", "favourite", "makeDefault", "effort",
    "efforts", "note", "gone", "goneWords", "replace",
  ]; // biome-ignore format: a list to read
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly nameTarget: HTMLElement;
  declare readonly panelTarget: HTMLElement;
  declare readonly searchTarget: HTMLInputElement;
  declare readonly listTarget: HTMLElement;
  declare readonly countTarget: HTMLElement;
  declare readonly aboutTarget: HTMLElement;
  declare readonly favouriteTarget: HTMLButtonElement;
  declare readonly hasFavouriteTarget: boolean;
  declare readonly makeDefaultTarget: HTMLButtonElement;
  declare readonly effortTarget: HTMLElement;
  declare readonly effortsTarget: HTMLSelectElement;
  declare readonly noteTarget: HTMLElement;
  declare readonly goneTarget: HTMLElement;
  declare readonly goneWordsTarget: HTMLElement;
  declare readonly replaceTarget: HTMLButtonElement;

  readonly #list = new ModelList();
  #view!: ModelListView;
  #stop = () => {};

  override connect(): void {
    this.#view = new ModelListView(this.listTarget, mayPrefer);
    this.#stop = choice.onChange(() => this.#show());
    this.#show();
  }

  override disconnect(): void {
    this.#stop();
  }

  focus(): void {
    this.buttonTarget.focus();
  }

  open(): void {
    this.panelTarget.showPopover();
  }

  /** Before it is seen: the list as it is now, from the model in use. */
  opening(event: ToggleEvent): void {
    if (event.newState !== "open") return;
    this.#list.open(choice.models, choice.modelId);
    this.searchTarget.value = "";
    this.#draw();
  }

  toggled(event: ToggleEvent): void {
    const isOpen = event.newState === "open";
    this.buttonTarget.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) {
      this.dispatch("closed");
      return;
    }
    this.#place();
    this.#view.reveal(this.#list.active);
    // On touch screens the keyboard would cover the list before it is seen.
    if (matchMedia("(pointer: fine)").matches) this.searchTarget.focus();
    else this.panelTarget.focus();
  }

  /** With Tab, out of the list and into the page. The button closes it by itself. */
  left(event: FocusEvent): void {
    const to = event.relatedTarget;
    if (!(to instanceof Node) || this.buttonTarget.contains(to)) return;
    if (!this.panelTarget.contains(to)) this.panelTarget.hidePopover();
  }

  search(): void {
    this.#list.search(this.searchTarget.value);
    this.#draw();
    this.#view.reveal(this.#list.active);
    const { count } = this.#list;
    setText(this.countTarget, count === 1 ? "1 model" : `${count} models`);
  }

  pressed(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const step = STEPS[event.key];
    if (step !== undefined) this.#list.move(step);
    else if (event.key === "Enter") this.#pick(this.#list.active?.id ?? "");
    else return;
    event.preventDefault();
    this.#activate();
  }

  /** The search keeps the focus while the list is clicked. */
  keepFocus(event: Event): void {
    event.preventDefault();
  }

  clicked(event: Event): void {
    const target = event.target instanceof Element ? event.target : null;
    const id = target?.closest("[data-model-id]")?.getAttribute("data-model-id") ?? "";
    if (id === "") return;
    if (target?.closest("[data-star]")) void this.#star(id);
    else this.#pick(id);
  }

  star(): void {
    void this.#star(this.#list.active?.id ?? "");
  }

  async makeDefault(): Promise<void> {
    const id = this.#list.active?.id ?? "";
    if (!(await this.#store("default", id))) return;
    choice.prefer(id, { isDefault: true });
    this.favouriteTarget.focus(); // the button that had the focus is gone
  }

  replace(): void {
    const replacement = choice.replacement;
    if (replacement === undefined) this.open();
    else this.#pick(replacement.id);
  }

  effortChanged(): void {
    choice.pickEffort(this.effortsTarget.value as Effort);
    this.dispatch("effort");
  }

  #pick(id: string): void {
    if (!choice.pick(id)) {
      this.#list.activate(id);
      this.#activate();
      return;
    }
    if (this.panelTarget.matches(":popover-open")) this.panelTarget.hidePopover();
    announce(`${choice.nameOf(id)} is chosen.`);
    this.dispatch("picked");
  }

  async #star(id: string): Promise<void> {
    const favourite = !choice.find(id)?.favourite;
    if (await this.#store(favourite ? "favourite" : "unfavourite", id)) choice.prefer(id, { favourite });
  }

  async #store(change: "favourite" | "unfavourite" | "default", id: string): Promise<boolean> {
    const problem = await storePreference(change, id);
    if (problem === null) return true;
    setText(this.aboutTarget, problem); // a toast would lie under the list
    announce(problem);
    return false;
  }

  /** Everything that tells of the choice outside the list, and the list where it is open. */
  #show(): void {
    setText(this.nameTarget, choice.modelId === "" ? "No model" : choice.nameOf(choice.modelId));
    this.#showEffort();
    this.goneTarget.hidden = !choice.isGone;
    if (choice.isGone) this.#showGone();
    if (this.panelTarget.matches(":popover-open")) {
      this.#list.update(choice.models);
      this.#draw();
    }
  }

  #showEffort(): void {
    const offered = choice.isGone ? [] : (choice.model?.efforts ?? []);
    this.effortTarget.hidden = offered.length === 0;
    this.#offer(offered);
    if (choice.effort !== null) this.effortsTarget.value = choice.effort;
    setText(this.noteTarget, choice.effortNote);
    this.noteTarget.hidden = choice.effortNote === "";
  }

  /** Left as they are while they are the same: the list may be open. */
  #offer(efforts: readonly Effort[]): void {
    const shown = [...this.effortsTarget.options].map((option) => option.value);
    if (shown.join() === efforts.join()) return;
    const options = efforts.map((effort) => element("option", { value: effort }, effortWord(effort)));
    this.effortsTarget.replaceChildren(...options);
  }

  #showGone(): void {
    const { replacement } = choice;
    setText(this.goneWordsTarget, `${choice.goneWords} What was written stays.`);
    setText(this.replaceTarget, replacement ? `Use ${replacement.name}` : "Choose another model");
  }

  #draw(): void {
    this.#view.draw(this.#list, { selectedId: choice.modelId, defaultId: choice.defaultId });
    this.#activate();
  }

  #activate(): void {
    const active = this.#list.active;
    this.#view.activate(active, this.searchTarget);
    setText(this.aboutTarget, active === null ? "" : aboutModel(active));
    if (this.hasFavouriteTarget) this.#showPreferences(active);
  }

  #showPreferences(active: ListedModel | null): void {
    this.favouriteTarget.hidden = active === null;
    this.makeDefaultTarget.hidden =
      active === null || Boolean(active.reason) || active.id === choice.defaultId;
    this.favouriteTarget.setAttribute("aria-pressed", String(active?.favourite ?? false));
    this.favouriteTarget.setAttribute("aria-label", `Favourite: ${active?.name}`);
    this.makeDefaultTarget.setAttribute("aria-label", `Make default: ${active?.name}`);
  }

  /** Below the button, within the window; on narrow screens the stylesheet says where. */
  #place(): void {
    const { style } = this.panelTarget;
    style.top = style.left = this.listTarget.style.minHeight = "";
    if (matchMedia(NARROW).matches) return;
    const anchor = this.buttonTarget.getBoundingClientRect();
    const width = this.panelTarget.offsetWidth;
    const right = Math.min(anchor.right, innerWidth - MARGIN_PX);
    style.top = `${anchor.bottom + MARGIN_PX / 2}px`;
    style.left = `${Math.max(MARGIN_PX, right - width)}px`;
    // What the search leaves out does not make it jump.
    this.listTarget.style.minHeight = `${this.listTarget.offsetHeight}px`;
  }
}
