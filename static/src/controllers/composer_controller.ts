import { Controller } from "@hotwired/stimulus";
import { countCharacters, formatNumber } from "../models/words";
import type { ErrorInfo } from "../protocol/types";
import { element } from "../rendering/elements";
import { isAboutOwnKey, KEYS_ADDRESS, KEYS_LABEL, signInAddress } from "../rendering/failure";

const KEY_OF_INPUT_METHOD = 229;
/** From this share of the limit on, the length is shown. */
const NEAR_LIMIT = 0.9;

/** The box a message is written in. It never drops a text and never refuses one silently. */
export default class extends Controller<HTMLElement> {
  static override targets = ["text", "hint", "send", "stop", "problem"];
  static override values = { max: Number };
  declare readonly textTarget: HTMLTextAreaElement;
  declare readonly hintTarget: HTMLElement;
  declare readonly sendTarget: HTMLButtonElement;
  declare readonly stopTarget: HTMLButtonElement;
  declare readonly problemTarget: HTMLElement;
  declare readonly maxValue: number;
  #isRunning = false;

  override connect(): void {
    this.#refresh();
  }

  get text(): string {
    return this.textTarget.value;
  }

  set text(text: string) {
    this.textTarget.value = text;
    this.typed();
  }

  focus(): void {
    this.textTarget.focus({ preventScroll: true });
  }

  /** While an answer is running, Stop stands where Send would, unless there is something to send. */
  setRunning(isRunning: boolean): void {
    if (isRunning === this.#isRunning) return;
    this.#isRunning = isRunning;
    const hadFocus = [this.stopTarget, this.sendTarget].some((button) => button === document.activeElement);
    this.#refresh();
    if (hadFocus && document.activeElement === document.body) this.focus();
  }

  /** `modelId` is the model it was about. */
  showProblem(error: ErrorInfo, modelId: string): void {
    this.problemTarget.replaceChildren(`${error.sentence} ${error.next_step} `);
    if (error.action === "sign_in") {
      this.problemTarget.append(element("a", { href: signInAddress() }, "Sign in"));
    }
    if (isAboutOwnKey(error, modelId)) {
      this.problemTarget.append(element("a", { href: KEYS_ADDRESS }, KEYS_LABEL));
    }
    this.problemTarget.hidden = false;
  }

  clearProblem(): void {
    this.problemTarget.hidden = true;
  }

  typed(): void {
    this.#refresh();
    this.dispatch("typed", { detail: { text: this.text } });
  }

  pressed(event: KeyboardEvent): void {
    // While an input method is open, Enter chooses a word; some browsers tell it by the key code only.
    if (event.isComposing || event.keyCode === KEY_OF_INPUT_METHOD) return;
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.send();
  }

  stop(): void {
    this.dispatch("stop");
    this.focus();
  }

  send(): void {
    const text = this.text;
    if (text.trim() === "") {
      this.focus();
      return;
    }
    if (countCharacters(text) > this.maxValue) {
      this.#refresh();
      return;
    }
    this.clearProblem();
    this.textTarget.value = "";
    this.#refresh();
    this.dispatch("send", { detail: { text } });
    this.focus();
  }

  #refresh(): void {
    this.#grow();
    const isEmpty = this.text.trim() === "";
    this.stopTarget.hidden = !this.#isRunning;
    this.sendTarget.hidden = this.#isRunning && isEmpty;
    this.sendTarget.toggleAttribute("data-idle", isEmpty);
    const label = this.#isRunning ? "Send after this answer" : "Send";
    this.sendTarget.setAttribute("aria-label", label);
    this.sendTarget.title = label;
    this.#showLength();
  }

  #showLength(): void {
    // The units of the string are an upper bound of its characters and cost nothing to ask for.
    const isNear = this.text.length > this.maxValue * NEAR_LIMIT;
    const length = isNear ? countCharacters(this.text) : 0;
    const isOver = length > this.maxValue;
    this.hintTarget.toggleAttribute("data-over", isOver);
    this.textTarget.setAttribute("aria-invalid", String(isOver));
    this.hintTarget.textContent = isNear
      ? `${formatNumber(length)} of ${formatNumber(this.maxValue)} characters${isOver ? ". Shorten it to send." : ""}`
      : "";
  }

  #grow(): void {
    const { style } = this.textTarget;
    style.height = "auto";
    style.height = `${this.textTarget.scrollHeight}px`;
  }
}
