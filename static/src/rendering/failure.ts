import type { ErrorInfo, TurnInfo } from "../protocol/types";
import { element, setText, textButton } from "./elements";

/** The words of the one main action beside a failure, and what the list of messages does for it. */
const ACTIONS: Readonly<Record<string, readonly [label: string, act: string]>> = {
  choose_model: ["Choose another model", "choose-model"],
  edit: ["Change the message", "edit-message"],
  reload: ["Reload", "reload"],
};

export const KEYS_ADDRESS = "/settings/providers/";
export const KEYS_LABEL = "Providers and keys";
const OWN_PREFIX = "byok:";
const KEY_CODES = new Set(["key_unreadable", "provider_key_refused"]);

/** Whether the person's own key is what to look at: the operator's they can do nothing about. */
export function isAboutOwnKey(error: ErrorInfo, modelId: string): boolean {
  if (error.code === "own_key_missing") return true;
  return KEY_CODES.has(error.code) && modelId.startsWith(OWN_PREFIX);
}

/** Seconds until a failed turn may be tried again. */
export function secondsToWait(turn: TurnInfo, now: number): number {
  const seconds = turn.error?.retry_after_seconds ?? 0;
  const since = turn.finished_at === null ? 0 : Math.max(0, now - Date.parse(turn.finished_at));
  return Math.max(0, Math.ceil(seconds - since / 1000));
}

/** What happened, what to do, and at most three ways on: the main action, one's keys, trying again. */
export function failureCard(error: ErrorInfo, modelId: string, canRetry: boolean): HTMLElement {
  const buttons = element("div", { class: "failure__actions" });
  const action = ACTIONS[error.action];
  if (error.action === "sign_in") {
    buttons.append(element("a", { class: "button button--primary", href: signInAddress() }, "Sign in"));
  } else if (action !== undefined && (canRetry || action[1] === "reload")) {
    buttons.append(textButton(action[0], action[1], true));
  }
  if (isAboutOwnKey(error, modelId)) {
    buttons.append(element("a", { class: "button", href: KEYS_ADDRESS }, KEYS_LABEL));
  }
  if (canRetry) {
    const retry = textButton("Try again", "retry", buttons.childElementCount === 0);
    retry.classList.add("failure__retry");
    buttons.append(retry);
  }
  const words = element("p", {}, element("strong", {}, error.sentence), ` ${error.next_step}`);
  const card = element("div", { class: "failure", role: "group", "aria-label": "Failed" }, words);
  if (buttons.childElementCount > 0) card.append(buttons);
  return card;
}

/** Counts down on the retry button; it says itself why it can't be pressed yet. */
export function updateRetry(card: ParentNode, seconds: number): void {
  const retry = card.querySelector(".failure__retry");
  if (!(retry instanceof HTMLButtonElement)) return;
  retry.disabled = seconds > 0;
  setText(retry, seconds > 0 ? `Try again in ${seconds} s` : "Try again");
}

export function signInAddress(): string {
  return `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
}
