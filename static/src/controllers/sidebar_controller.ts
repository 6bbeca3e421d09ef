import { Controller } from "@hotwired/stimulus";
import htmx from "htmx.org";
import type { SidebarLine } from "../models/sidebar";
import { person } from "../page";
import { SidebarView } from "../rendering/sidebar";

/** Keeps the list of conversations as the server has it, line by line. */
export default class extends Controller<HTMLElement> {
  static override targets = ["groups"];
  static override values = { current: String, renderedAt: String };
  declare readonly groupsTarget: HTMLElement;
  declare currentValue: string;
  declare readonly renderedAtValue: string;
  #view!: SidebarView;
  #hasOpened = false;
  #stopListening = () => {};

  override connect(): void {
    this.#view = new SidebarView(this.groupsTarget, this.renderedAtValue);
    this.#view.markCurrent(this.currentValue);
    this.#view.current?.scrollIntoView({ block: "nearest" });
    this.groupsTarget.addEventListener("htmx:after:swap", this.#swapped);
    this.#stopListening = person.listen({
      onOpen: () => {
        // Events that came while the socket was away are gone: ask for the list.
        if (this.#hasOpened) this.refetch();
        this.#hasOpened = true;
      },
      onFrame: (frame) => {
        if (Array.isArray(frame)) return;
        if (frame.type === "conversation.listed") this.#listed(frame);
        else if (frame.type === "conversation.unlisted") this.#view.remove(frame.id);
      },
    });
  }

  override disconnect(): void {
    this.groupsTarget.removeEventListener("htmx:after:swap", this.#swapped);
    this.#stopListening();
  }

  currentValueChanged(): void {
    this.#view?.markCurrent(this.currentValue);
  }

  refetch(): void {
    void htmx.ajax("GET", "/sidebar/", { target: this.groupsTarget, swap: "innerMorph" });
  }

  #listed(line: SidebarLine): void {
    if (this.#view.put(line)) this.#view.markCurrent(this.currentValue);
    else this.refetch();
  }

  readonly #swapped = () => {
    this.#view.mergeGroups();
    this.#view.markCurrent(this.currentValue);
  };
}
