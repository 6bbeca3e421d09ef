import type { Frame } from "../protocol/frames";
import { mintId } from "../protocol/ids";
import type { ConversationSnapshot, ErrorInfo } from "../protocol/types";
import type { Effort } from "./choices";
import { ConversationModel } from "./conversation";
import { type Change, isUnfinished } from "./known";
import { type Link, Refused } from "./link";
import type { SocketState } from "./socket";

const RESYNC_FIRST_MS = 250;
const RESYNC_LAST_MS = 10_000;
const RESYNC_CALM_MS = 20_000;
const CATCH_UP_MS = 3_000;

/** A message on its way: drawn at once, sent in order, kept until the server has it. */
export interface PendingMessage {
  readonly conversationId: string;
  readonly messageId: string;
  readonly turnId: string;
  readonly text: string;
  readonly modelId: string;
  readonly effort: Effort | "";
}

export interface SessionListener {
  onChange(change: Change): void;
  /** The list of messages on their way has changed. */
  onPending(): void;
  /** The server has stored the message: the tab need not keep its text any more. */
  onKept(message: PendingMessage): void;
  /** Not stored, neither this nor those after it; their texts go back to the person. */
  onRefused(messages: readonly PendingMessage[], error: ErrorInfo): void;
  /** A command about an answer was refused. */
  onProblem(error: ErrorInfo): void;
  /** The first message made the conversation. */
  onCreated(conversationId: string): void;
  onState(state: SocketState): void;
}

/** One conversation in one tab: what is known of it, and what the person does with it. No DOM. */
export class Session {
  readonly model = new ConversationModel();
  readonly conversationId: string;
  readonly pending: PendingMessage[] = [];
  readonly #person: Link;
  readonly #connectRoom: (conversationId: string) => Link;
  readonly #listener: SessionListener;
  readonly #arrivals = new Map<string, () => void>();
  #room: Link | null = null;
  #isSending = false;
  #resyncWait = RESYNC_FIRST_MS;
  #lastResync = 0;

  constructor(
    conversationId: string | null,
    links: { person: Link; connectRoom: (conversationId: string) => Link },
    listener: SessionListener,
  ) {
    this.conversationId = conversationId ?? mintId();
    this.#person = links.person;
    this.#connectRoom = links.connectRoom;
    this.#listener = listener;
  }

  get room(): Link | null {
    return this.#room;
  }

  /** Begins with what the page brought. */
  begin(snapshot: ConversationSnapshot): void {
    this.apply(snapshot);
    this.openRoom();
  }

  openRoom(): void {
    if (this.#room !== null) return;
    this.#room = this.#connectRoom(this.conversationId);
    this.#room.listen({
      onOpen: () => this.#open(),
      onFrame: (frame) => this.apply(frame),
      onState: (state) => this.#listener.onState(state),
    });
    this.#room.connect();
  }

  apply(frame: Frame): void {
    const change = this.model.apply(frame);
    this.#dropArrived();
    this.#listener.onChange(change);
    if (change.resync !== null) this.#resync();
  }

  prepend(earlier: ConversationSnapshot): void {
    this.#listener.onChange(this.model.prepend(earlier));
  }

  /** Draws the message as pending and sends it once those before it are stored. */
  send(text: string, modelId: string, effort: Effort | "" = ""): PendingMessage {
    const message = {
      conversationId: this.conversationId,
      messageId: mintId(),
      turnId: mintId(),
      text,
      modelId,
      effort,
    };
    this.pending.push(message);
    this.#listener.onPending();
    void this.#pump();
    return message;
  }

  retry(messageId: string, modelId: string, effort: Effort | "" = ""): void {
    this.#ask({
      type: "turn.retry",
      command_id: mintId(),
      conversation_id: this.conversationId,
      turn_id: mintId(),
      message_id: messageId,
      model_id: modelId,
      effort,
    });
  }

  /** Chooses for the turns to come. A conversation that is not stored yet learns it with its first message. */
  configure(modelId: string, effort: Effort | ""): void {
    if (this.#room === null) return;
    this.#ask({
      type: "conversation.configure",
      command_id: mintId(),
      conversation_id: this.conversationId,
      model_id: modelId,
      effort,
    });
  }

  stop(turnId: string): void {
    this.#ask({
      type: "turn.stop",
      command_id: mintId(),
      conversation_id: this.conversationId,
      turn_id: turnId,
    });
  }

  /** The turn that Stop ends: the one being answered now, or else the next one waiting. */
  stoppableTurnId(): string | null {
    const turns = this.model.unfinishedTurns();
    return (turns.find((turn) => turn.state !== "queued") ?? turns[0])?.id ?? null;
  }

  /** True where a turn waits for the answer before it (and not merely for a worker). */
  isWaiting(answerId: string): boolean {
    const turn = this.model.turnOf(answerId);
    if (turn?.state !== "queued") return false;
    const parentId = this.model.message(turn.message_id)?.info.parent_id;
    return isUnfinished(parentId ? this.model.turnOf(parentId) : undefined);
  }

  close(): void {
    this.#room?.close();
  }

  async #pump(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    for (let next = this.pending[0]; next !== undefined; next = this.pending[0]) {
      if (!(await this.#deliver(next))) break;
    }
    this.#isSending = false;
  }

  /** One message, until it is stored and shown: the next one's parent is this one's answer. */
  async #deliver(message: PendingMessage): Promise<boolean> {
    const link = this.#room ?? this.#person;
    const arrived = new Promise<void>((resolve) => this.#arrivals.set(message.messageId, resolve));
    try {
      const accepted = await link.request({
        type: "turn.start",
        command_id: mintId(),
        conversation_id: this.conversationId,
        turn_id: message.turnId,
        message_id: message.messageId,
        parent_id: this.model.leafId,
        text: message.text,
        model_id: message.modelId,
        effort: message.effort,
      });
      this.#listener.onKept(message);
      if (this.#room === null) {
        this.openRoom();
        this.#listener.onCreated(this.conversationId);
      }
      this.#catchUp(accepted.version);
      await arrived;
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#arrivals.delete(message.messageId);
      const undelivered = this.pending.splice(0);
      this.#listener.onPending();
      this.#listener.onRefused(undelivered, error.info);
      return false;
    }
  }

  #dropArrived(): void {
    const arrived = this.pending.filter((message) => this.model.message(message.messageId) !== undefined);
    if (arrived.length === 0) return;
    for (const message of arrived) {
      this.pending.splice(this.pending.indexOf(message), 1);
      this.#arrivals.get(message.messageId)?.();
      this.#arrivals.delete(message.messageId);
    }
    this.#listener.onPending();
  }

  #ask(request: Parameters<Link["request"]>[0]): void {
    const link = this.#room ?? this.#person;
    link.request(request).then(
      (accepted) => this.#catchUp(accepted.version),
      (error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        this.#listener.onProblem(error.info);
      },
    );
  }

  #open(): void {
    this.model.forgetHandles();
    this.#askFrom(this.model.version);
  }

  /** A version of null asks for a snapshot. Unfinished answers go on from where they stand here. */
  #askFrom(version: number | null): void {
    this.#room?.send({
      type: "conversation.open",
      known_version: version,
      known_turns: this.model.knownTurns().slice(0, 100),
    });
  }

  /** What was accepted reaches every tab as an event; where it does not come, the tab asks. */
  #catchUp(version: number): void {
    setTimeout(() => {
      if ((this.model.version ?? 0) < version) this.#resync();
    }, CATCH_UP_MS);
  }

  /** Asks for a snapshot; ever more slowly, should they not help. */
  #resync(): void {
    const now = Date.now();
    const isCalm = now - this.#lastResync > RESYNC_CALM_MS;
    this.#resyncWait = isCalm ? RESYNC_FIRST_MS : Math.min(RESYNC_LAST_MS, this.#resyncWait * 2);
    this.#lastResync = now;
    if (isCalm) this.#askFrom(null);
    else setTimeout(() => this.#askFrom(null), this.#resyncWait);
  }
}
