import { usageLine, usageRows } from "../models/usage_words";
import type { TurnUsage } from "../protocol/types";
import { element, setText } from "./elements";
import { placeNear } from "./popover";

/** What an answer used: one quiet line, which opens the whole of it. */
export class UsageView {
  readonly button = element("button", { type: "button", class: "usage", "aria-haspopup": "dialog" });
  readonly details = element("div", {
    class: "menu usage__details",
    popover: "auto",
    role: "dialog",
    "aria-label": "What this answer used",
  });
  #usage: TurnUsage | null = null;
  #modelName = "";

  constructor() {
    this.button.popoverTargetElement = this.details;
    this.details.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "open") this.#opened();
    });
    this.update(null, "");
  }

  update(usage: TurnUsage | null, modelName: string): void {
    this.button.hidden = usage === null;
    if (usage === null || (usage === this.#usage && modelName === this.#modelName)) return;
    this.#usage = usage;
    this.#modelName = modelName;
    setText(this.button, usageLine(usage));
    this.details.replaceChildren(...contents(usage, modelName));
  }

  #opened(): void {
    placeNear(this.details, this.button.getBoundingClientRect(), "start");
    // It stands where its line stood; what moves the line away closes it.
    addEventListener("scroll", () => this.details.hidePopover(), { capture: true, once: true });
  }
}

function contents(usage: TurnUsage, modelName: string): HTMLElement[] {
  const rows = usageRows(usage, modelName).map(([name, value]) => {
    const isPart = name.startsWith("of it");
    const head = element("th", { scope: "row", ...(isPart ? { class: "usage__part" } : {}) }, name);
    return element("tr", {}, head, element("td", {}, value));
  });
  const table = element("table", {}, element("tbody", {}, ...rows));
  if (!usage.estimated) return [table];
  const why = "Estimated: a call ended before the provider told its counts.";
  return [table, element("p", { class: "muted" }, why)];
}
