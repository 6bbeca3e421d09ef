import { Controller } from "@hotwired/stimulus";
import { Refused, type Request } from "../models/link";
import { person } from "../page";
import { mintId } from "../protocol/ids";
import { editInPlace } from "../rendering/inline_edit";
import { placeNear } from "../rendering/popover";
import { toast } from "../rendering/toast";

/** Rename and delete, for a line of the sidebar and for the conversation that is open. */
export default class extends Controller<HTMLElement> {
  static override targets = ["menu", "usage"];
  declare readonly menuTarget: HTMLElement;
  declare readonly usageTarget: HTMLElement;
  #opener: HTMLElement | null = null;

  open(event: Event): void {
    const opener = event.currentTarget;
    if (!(opener instanceof HTMLElement)) return;
    this.#opener = opener;
    const { usage = "" } = opener.dataset;
    this.usageTarget.textContent = usage;
    this.usageTarget.hidden = usage === "";
    this.menuTarget.showPopover();
    placeNear(this.menuTarget, opener.getBoundingClientRect(), "end");
    this.menuTarget.querySelector<HTMLElement>("button")?.focus();
    const line = opener.closest<HTMLElement>(".sidebar__item");
    line?.setAttribute("data-menu-open", "");
    const closed = (toggle: Event) => {
      if ((toggle as ToggleEvent).newState !== "closed") return;
      line?.removeAttribute("data-menu-open");
      this.menuTarget.removeEventListener("toggle", closed);
    };
    this.menuTarget.addEventListener("toggle", closed);
  }

  rename(): void {
    const { id, title } = this.#conversation();
    const shown = this.#titleElement();
    this.menuTarget.hidePopover();
    if (id === "" || shown === null) return;
    editInPlace(shown, title, (wanted) =>
      this.#ask({ type: "conversation.rename", command_id: mintId(), conversation_id: id, title: wanted }),
    );
  }

  async delete(): Promise<void> {
    const { id, title } = this.#conversation();
    this.menuTarget.hidePopover();
    if (id === "") return;
    const isDone = await this.#ask({
      type: "conversation.delete",
      command_id: mintId(),
      conversation_id: id,
    });
    if (!isDone) return;
    toast(`Deleted “${title}”.`, () => {
      void this.#ask({ type: "conversation.restore", command_id: mintId(), conversation_id: id });
    });
  }

  async #ask(request: Request): Promise<boolean> {
    try {
      await person.request(request);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      toast(`${error.info.sentence} ${error.info.next_step}`);
      return false;
    }
  }

  #conversation(): { id: string; title: string } {
    const holder = this.#opener?.closest<HTMLElement>("[data-conversation-id]");
    return {
      id: holder?.dataset["conversationId"] ?? "",
      title: this.#shownTitle(),
    };
  }

  #shownTitle(): string {
    const shown = this.#titleElement();
    return (shown?.querySelector(".sidebar__title") ?? shown)?.textContent?.trim() ?? "";
  }

  #titleElement(): HTMLElement | null {
    const line = this.#opener?.closest(".sidebar__item");
    if (line) return line.querySelector<HTMLElement>(".sidebar__link");
    return this.#opener?.closest(".topbar")?.querySelector<HTMLElement>(".topbar__title") ?? null;
  }
}
