import { Controller } from "@hotwired/stimulus";
import { browserStorage, Drafts } from "../models/drafts";
import { type Change, endWords } from "../models/known";
import { type PendingMessage, Session } from "../models/session";
import type { SocketState } from "../models/socket";
import { plainText } from "../models/text";
import { totalLines } from "../models/usage_words";
import { greeting } from "../models/words";
import { announce, choice, connectRoom, person } from "../page";
import { readFrame } from "../protocol/frames";
import { mintId } from "../protocol/ids";
import type { ConversationSnapshot, ErrorInfo } from "../protocol/types";
import { drawEnding } from "../rendering/ending";
import { MessageActions } from "../rendering/message_actions";
import { RenderLoop } from "../rendering/render_loop";
import { StickyScroll } from "../rendering/sticky_scroll";
import { ThreadView } from "../rendering/thread";
import type ComposerController from "./composer_controller";
import type PickerController from "./picker_controller";

const NAME = "Better Chat";
const DRAFT_PAUSE_MS = 200;

/** The open conversation: binds what is known of it to what is seen of it. */
export default class extends Controller<HTMLElement> {
  static override targets = [
    "scroller", "list", "title", "more", "earlier", "readable", "welcome", "greeting", "modelName", "ending",
    "dock", "toLatest",
  ]; // biome-ignore format: a list to read
  static override outlets = ["composer", "picker"];
  static override values = { id: String };
  declare readonly scrollerTarget: HTMLElement;
  declare readonly listTarget: HTMLElement;
  declare readonly titleTarget: HTMLElement;
  declare readonly moreTarget: HTMLElement;
  declare readonly earlierTarget: HTMLButtonElement;
  declare readonly readableTarget: HTMLElement;
  declare readonly welcomeTarget: HTMLElement;
  declare readonly hasWelcomeTarget: boolean;
  declare readonly greetingTarget: HTMLElement;
  declare readonly modelNameTarget: HTMLElement;
  declare readonly endingTarget: HTMLElement;
  declare readonly dockTarget: HTMLElement;
  declare readonly toLatestTarget: HTMLElement;
  declare readonly composerOutlet: ComposerController;
  declare readonly hasComposerOutlet: boolean;
  declare readonly pickerOutlet: PickerController;
  declare idValue: string;

  #session!: Session;
  #thread!: ThreadView;
  #scroll!: StickyScroll;
  #loop!: RenderLoop;
  #actions!: MessageActions;
  #drafts!: Drafts;
  #restored: string[] = [];
  #draftTimer: ReturnType<typeof setTimeout> | undefined;
  #isDeleted = false;

  override connect(): void {
    this.readableTarget.remove();
    const id = this.idValue || null;
    this.#drafts = new Drafts(browserStorage(), id);
    this.#thread = new ThreadView(this.listTarget, (modelId) => choice.nameOf(modelId));
    this.#scroll = new StickyScroll(
      this.scrollerTarget,
      this.listTarget.parentElement ?? this.listTarget,
      (away) => {
        this.toLatestTarget.hidden = !away;
      },
    );
    this.#session = new Session(id, { person, connectRoom }, this.#listener());
    this.#loop = new RenderLoop(this.#thread, this.#session, () => this.#scroll.follow());
    this.#actions = new MessageActions(this.#session, {
      choice,
      chooseModel: () => this.pickerOutlet.open(),
      reuseText: (text) => this.#reuse(text),
    });
    const snapshot = readSnapshot();
    if (snapshot !== null) this.#session.begin(snapshot);
    this.#greet();
    choice.onChange(() => this.#nameModel());
    addEventListener("popstate", () => location.reload());
    addEventListener("pagehide", () => this.#saveDraft());
  }

  /** Stimulus calls this once the composer stands. */
  composerOutletConnected(composer: ComposerController): void {
    const { text, sent } = this.#drafts.restore((message) => this.#isStored(message));
    this.#restored = sent;
    if (text !== "") composer.text = text;
    composer.element.addEventListener("composer:typed", () => {
      clearTimeout(this.#draftTimer);
      this.#draftTimer = setTimeout(() => this.#saveDraft(), DRAFT_PAUSE_MS);
    });
    composer.setRunning(this.#session.stoppableTurnId() !== null);
    if (matchMedia("(pointer: fine)").matches) composer.focus();
    this.element.setAttribute("data-ready", "");
  }

  send(event: CustomEvent<{ text: string }>): void {
    clearTimeout(this.#draftTimer);
    this.#restored = [];
    const message = this.#session.send(event.detail.text, choice.modelId, choice.effortToSend);
    this.#drafts.sending(message);
    if (this.hasWelcomeTarget) this.welcomeTarget.hidden = true;
    this.#loop.arrange();
    this.#scroll.jump();
  }

  stop(): void {
    const turnId = this.#session.stoppableTurnId();
    if (turnId !== null) this.#session.stop(turnId);
  }

  act(event: Event): void {
    this.#actions.act(event);
  }

  toLatest(): void {
    this.#scroll.jump();
    this.composerOutlet.focus();
  }

  useStarter(event: Event): void {
    const { text } = (event.currentTarget as HTMLElement).dataset;
    if (text) this.#reuse(text);
  }

  modelPicked(): void {
    this.#session.configure(choice.modelId, "");
    // The button that asked for it goes with the failure it stands on.
    if (this.#actions.modelPicked()) this.composerOutlet.focus();
  }

  /** Comes behind `modelPicked`, where there was one. */
  pickerClosed(): void {
    this.#actions.noModelPicked();
  }

  effortPicked(): void {
    this.#session.configure(choice.modelId, choice.effortToSend);
  }

  async loadEarlier(): Promise<void> {
    const before = this.#session.model.branch[0];
    if (before === undefined) return;
    this.earlierTarget.disabled = true;
    try {
      const response = await fetch(`/c/${this.#session.conversationId}/branch/?before=${before}`);
      const frame = response.ok ? readFrame(await response.text()) : null;
      if (frame !== null && !Array.isArray(frame) && frame.type === "conversation.snapshot") {
        this.#scroll.keepingPlace(() => {
          this.#session.prepend(frame);
          this.#loop.flush();
        });
      }
    } catch {
      announce("Earlier messages could not be loaded. Try again.");
    }
    this.earlierTarget.disabled = false;
  }

  #listener() {
    return {
      onChange: (change: Change) => this.#changed(change),
      onPending: () => this.#loop.arrange(),
      onKept: (message: PendingMessage) => this.#drafts.settled(message.messageId),
      onRefused: (messages: readonly PendingMessage[], error: ErrorInfo) => this.#refused(messages, error),
      onProblem: (error: ErrorInfo) => this.#showProblem(error),
      onCreated: (id: string) => this.#created(id),
      onState: (state: SocketState) => {
        if (state === "gone" && !this.#isDeleted) this.#end("gone");
      },
    };
  }

  #changed(change: Change): void {
    if (change.structure) this.#loop.arrange();
    for (const id of change.messages) this.#loop.touch(id);
    if (change.title) this.#showTitle();
    const info = this.#session.model.info;
    if (change.settings && info !== null) choice.follow(info.model_id, info.effort);
    if (change.structure || change.started.length > 0 || change.finished.length > 0) this.#showRunning();
    if (change.started.length > 0) announce("Answer started");
    if (change.finished.length > 0) announce(endWords(change.finished));
    if (change.structure) this.#clearRestored();
    if (change.deleted) {
      this.#isDeleted = true;
      this.#end("deleted");
    }
  }

  #showRunning(): void {
    // A queued answer may stand on its own now.
    for (const turn of this.#session.model.unfinishedTurns()) this.#loop.touch(turn.answer_id);
    this.earlierTarget.hidden = !this.#session.model.hasEarlier;
    const usage = this.#session.model.info?.usage;
    this.moreTarget.dataset["usage"] = usage === undefined ? "" : totalLines(usage).join("\n");
    if (this.hasComposerOutlet) this.composerOutlet.setRunning(this.#session.stoppableTurnId() !== null);
  }

  #showTitle(): void {
    const title = this.#session.model.info?.title ?? "";
    if (this.titleTarget.textContent !== title) this.titleTarget.textContent = title;
    document.title = `${title} · ${NAME}`;
  }

  #created(id: string): void {
    this.idValue = id;
    this.moreTarget.dataset["conversationId"] = id;
    this.moreTarget.hidden = false;
    history.pushState(null, "", `/c/${id}/`);
    this.#saveDraft();
    const text = this.composerOutlet.text;
    this.#drafts.typed("");
    this.#drafts = new Drafts(browserStorage(), id);
    this.#drafts.typed(text);
    for (const message of this.#session.pending.slice(1)) this.#drafts.sending(message);
    document.getElementById("sidebar")?.setAttribute("data-sidebar-current-value", id);
  }

  #refused(messages: readonly PendingMessage[], error: ErrorInfo): void {
    for (const message of messages) this.#drafts.settled(message.messageId);
    const texts = [...messages.map((message) => message.text), this.composerOutlet.text];
    this.composerOutlet.text = texts.filter((text) => text !== "").join("\n\n");
    this.#saveDraft();
    this.#showProblem(error, messages[0]?.modelId);
    if (this.hasWelcomeTarget && this.#session.model.info === null) this.welcomeTarget.hidden = false;
    if (error.action === "choose_model") this.pickerOutlet.focus();
    else this.composerOutlet.focus();
  }

  #showProblem(error: ErrorInfo, modelId = choice.modelId): void {
    this.composerOutlet.showProblem(error, modelId);
    if (error.code === "model_unavailable") choice.lose(modelId);
  }

  /** A text put back after a reload turned out to be stored after all: it must not be sent again. */
  #clearRestored(): void {
    if (this.#restored.length === 0 || !this.hasComposerOutlet) return;
    const stored = this.#restored.filter((id) => this.#session.model.message(id) !== undefined);
    for (const id of stored) {
      const text = plainText(this.#session.model.message(id)?.parts ?? []);
      if (this.composerOutlet.text.startsWith(text)) {
        this.composerOutlet.text = this.composerOutlet.text.slice(text.length).trimStart();
      }
    }
    this.#restored = this.#restored.filter((id) => !stored.includes(id));
  }

  #isStored(message: { messageId: string; conversationId: string }): boolean {
    if (this.#session.model.message(message.messageId) !== undefined) return true;
    return document.getElementById(`item-${message.conversationId}`) !== null && this.idValue === "";
  }

  #end(kind: "gone" | "deleted"): void {
    this.dockTarget.hidden = true;
    this.#watchRestore();
    drawEnding(this.endingTarget, kind, () => {
      const command = { command_id: mintId(), conversation_id: this.idValue };
      person
        .request({ type: "conversation.restore", ...command })
        .catch(() => drawEnding(this.endingTarget, "gone"));
    });
    this.#scroll.jump();
  }

  /** A conversation that was deleted has no room; it has one again when it is listed again. */
  #watchRestore(): void {
    person.listen({
      onFrame: (frame) => {
        if (Array.isArray(frame) || frame.type !== "conversation.listed") return;
        if (frame.id === this.idValue) location.reload();
      },
    });
  }

  #saveDraft(): void {
    clearTimeout(this.#draftTimer);
    if (this.hasComposerOutlet) this.#drafts.typed(this.composerOutlet.text);
  }

  #reuse(text: string): void {
    const written = this.composerOutlet.text.trim();
    this.composerOutlet.text = written === "" ? text : `${written}\n\n${text}`;
    this.composerOutlet.focus();
  }

  #greet(): void {
    if (!this.hasWelcomeTarget) return;
    this.greetingTarget.textContent = `${greeting(new Date().getHours())}.`;
    this.#nameModel();
  }

  #nameModel(): void {
    if (!this.hasWelcomeTarget) return;
    this.modelNameTarget.textContent = choice.nameOf(choice.modelId);
    this.modelNameTarget.parentElement?.toggleAttribute("hidden", choice.modelId === "");
  }
}

function readSnapshot(): ConversationSnapshot | null {
  const frame = readFrame(document.getElementById("snapshot")?.textContent ?? "");
  if (frame === null || Array.isArray(frame) || frame.type !== "conversation.snapshot") return null;
  return frame;
}
