import type { Frame } from "../protocol/frames";
import type {
  ConversationInfo,
  ConversationSnapshot,
  MessageInfo,
  TurnCreated,
  TurnFinished,
  TurnInfo,
  TurnStarted,
} from "../protocol/types";
import { textHash } from "./hash";
import { type Change, isUnfinished, type KnownMessage, noChange, type ResyncReason } from "./known";
import { isLiveFrame, type LiveFrame, LiveWriter } from "./live";
import { comparePlaces, NOWHERE, type Place, place } from "./position";

type RoomEventType =
  | "turn.created"
  | "turn.started"
  | "turn.finished"
  | "conversation.renamed"
  | "conversation.configured"
  | "conversation.deleted";
type RoomEvent = Extract<Frame, { type: RoomEventType }>;

const ROOM_EVENT_TYPES = new Set<string>([
  "turn.created",
  "turn.started",
  "turn.finished",
  "conversation.renamed",
  "conversation.configured",
  "conversation.deleted",
] satisfies RoomEventType[]);

/**
 * What this tab knows of one conversation: the only place where frames become state.
 *
 * Page load, live frames and replay after a lost connection all pass through `apply`, so that
 * snapshot(n) + events(> n) gives the same text however they are cut. No DOM, no clock, no network.
 */
export class ConversationModel {
  info: ConversationInfo | null = null;
  hasEarlier = false;
  /** How often a finished answer differed from what the server says it is. */
  mismatches = 0;
  /** The branch shown, root first. */
  readonly branch: string[] = [];
  readonly #messages = new Map<string, KnownMessage>();
  readonly #turns = new Map<string, TurnInfo>();
  readonly #turnOfAnswer = new Map<string, string>();
  readonly #live = new LiveWriter(this.#messages);
  #lost = false;

  /** The version known in full; null before the first snapshot and after something was missed. */
  get version(): number | null {
    return this.#lost ? null : (this.info?.version ?? null);
  }

  get leafId(): string | null {
    return this.branch.at(-1) ?? null;
  }

  message(id: string): KnownMessage | undefined {
    return this.#messages.get(id);
  }

  turnOf(answerId: string): TurnInfo | undefined {
    const turnId = this.#turnOfAnswer.get(answerId);
    return turnId === undefined ? undefined : this.#turns.get(turnId);
  }

  /** Turns on the branch that have not ended, oldest first. */
  unfinishedTurns(): TurnInfo[] {
    return this.branch
      .map((id) => this.turnOf(id))
      .filter((turn): turn is TurnInfo => turn !== undefined && isUnfinished(turn));
  }

  /** Where each unfinished answer stands, to go on from there on a new socket. */
  knownTurns(): Array<{ turn_id: string; position: Place }> {
    return this.unfinishedTurns().map((turn) => ({
      turn_id: turn.id,
      position: this.#messages.get(turn.answer_id)?.place ?? NOWHERE,
    }));
  }

  /** Handles belong to a socket: a new one begins without any. */
  forgetHandles(): void {
    this.#live.forgetHandles();
  }

  apply(frame: Frame): Change {
    const change = noChange();
    if (isLiveFrame(frame)) this.#liveFrame(frame, change);
    else if (isRoomEvent(frame)) this.#roomEvent(frame, change);
    else if (frame.type === "conversation.snapshot") this.#snapshot(frame, change);
    else if (frame.type === "pong" && frame.version !== null && this.version !== null) {
      if (frame.version > this.version) this.#lose("gap", change);
    }
    return change;
  }

  /** Adds the messages above the first one shown, as `/branch/?before=` returns them. */
  prepend(earlier: ConversationSnapshot): Change {
    const change = noChange();
    const first = this.branch[0];
    const last = earlier.messages.at(-1);
    const parentId = first === undefined ? undefined : this.#messages.get(first)?.info.parent_id;
    if (last === undefined || last.id !== parentId) return change;
    for (const message of earlier.messages) this.#keep(message);
    for (const turn of earlier.turns) this.#keepTurn(turn);
    this.branch.unshift(...earlier.messages.map((message) => message.id));
    this.hasEarlier = earlier.has_earlier;
    change.structure = true;
    return change;
  }

  #liveFrame(frame: LiveFrame, change: Change): void {
    if (this.#lost) return;
    const outcome = this.#live.apply(frame);
    if (outcome === "gap") this.#lose("gap", change);
    else if (outcome !== "nothing") change.messages.add(outcome.wrote);
  }

  #roomEvent(event: RoomEvent, change: Change): void {
    const known = this.version;
    if (this.info === null || known === null || event.version <= known) return;
    if (event.version > known + 1) {
      this.#lose("gap", change);
      return;
    }
    this.info = { ...this.info, version: event.version };
    switch (event.type) {
      case "turn.created":
        this.#settings(event.turn, change);
        this.#turnCreated(event, change);
        break;
      case "turn.started":
        this.#turnStarted(event, change);
        break;
      case "turn.finished":
        this.#turnFinished(event, change);
        break;
      case "conversation.renamed":
        this.info = { ...this.info, title: event.title, title_source: event.title_source };
        change.title = true;
        break;
      case "conversation.configured":
        this.#settings(event, change);
        break;
      case "conversation.deleted":
        change.deleted = true;
        break;
    }
  }

  #snapshot(snapshot: ConversationSnapshot, change: Change): void {
    const running = new Set(this.unfinishedTurns().map((turn) => turn.id));
    const above = this.#branchAbove(snapshot);
    this.#lost = false;
    this.info = snapshot.conversation;
    this.#live.forgetHandles();
    this.branch.length = 0;
    this.branch.push(...above, ...snapshot.messages.map((message) => message.id));
    if (above.length === 0) this.hasEarlier = snapshot.has_earlier;
    for (const message of snapshot.messages) {
      this.#keep(message);
      change.messages.add(message.id);
    }
    for (const turn of snapshot.turns) {
      this.#keepTurn(turn);
      if (running.has(turn.id) && !isUnfinished(turn)) change.finished.push(turn);
    }
    change.structure = true;
    change.title = true;
    change.settings = true;
  }

  /** Messages shown that lie above a snapshot's window: they stay, as long as they lead to it. */
  #branchAbove(snapshot: ConversationSnapshot): string[] {
    const parentId = snapshot.messages[0]?.parent_id;
    if (!snapshot.has_earlier || !parentId) return [];
    return this.branch.slice(0, this.branch.indexOf(parentId) + 1);
  }

  /** A model that decides itself leaves the effort as it was. */
  #settings(chosen: Pick<ConversationInfo, "model_id" | "effort">, change: Change): void {
    if (this.info === null) return;
    const effort = chosen.effort ?? this.info.effort;
    this.info = { ...this.info, model_id: chosen.model_id, effort };
    change.settings = true;
  }

  #turnCreated(event: TurnCreated, change: Change): void {
    const parentId = event.message.parent_id;
    const at = this.branch.indexOf(event.message.id);
    // A snapshot may be newer than its version says: what it brought already is not undone.
    if (at >= 0 && this.branch[at + 1] === event.answer.id) return;
    const above = at >= 0 ? at : parentId === null ? 0 : this.branch.indexOf(parentId) + 1;
    if (at < 0 && parentId !== null && above === 0) {
      this.#lose("gap", change);
      return;
    }
    this.branch.length = above;
    for (const message of [event.message, event.answer]) {
      if (!this.#messages.has(message.id)) this.#keep(message);
      this.branch.push(message.id);
      change.messages.add(message.id);
    }
    this.#keepTurn(event.turn);
    change.structure = true;
  }

  #turnStarted(event: TurnStarted, change: Change): void {
    const known = this.#turns.get(event.turn.id);
    if (known !== undefined && !isUnfinished(known)) return;
    this.#keepTurn(event.turn);
    change.messages.add(event.turn.answer_id);
    change.started.push(event.turn);
  }

  #turnFinished(event: TurnFinished, change: Change): void {
    if (this.info !== null) this.info = { ...this.info, usage: event.conversation_usage };
    const known = this.#turns.get(event.turn.id);
    this.#keepTurn(event.turn);
    const answer = this.#messages.get(event.turn.answer_id);
    if (answer === undefined) return;
    answer.info = { ...answer.info, text_sha256: event.text_sha256 };
    change.messages.add(answer.info.id);
    if (known === undefined || isUnfinished(known)) change.finished.push(event.turn);
    if (textHash(answer.parts) === event.text_sha256) return;
    this.mismatches += 1;
    this.#lose("hash", change);
  }

  #keep(info: MessageInfo): void {
    const known = this.#messages.get(info.id);
    const theirs = place(info.position);
    // What is shown of an unfinished answer may be ahead of a snapshot and is not taken back.
    const isAhead = known !== undefined && comparePlaces(known.place, theirs) > 0;
    if (isAhead && info.text_sha256 === null) {
      known.info = info;
      return;
    }
    const parts = info.parts.map((part) => ({ ...part }));
    this.#messages.set(info.id, { info, parts, place: theirs, silentSeconds: 0 });
  }

  #keepTurn(turn: TurnInfo): void {
    this.#turns.set(turn.id, turn);
    this.#turnOfAnswer.set(turn.answer_id, turn.id);
  }

  /** Something is missing: nothing more is applied until a snapshot comes. Told once. */
  #lose(reason: ResyncReason, change: Change): void {
    if (this.#lost) return;
    this.#lost = true;
    change.resync = reason;
  }
}

function isRoomEvent(frame: Exclude<Frame, LiveFrame>): frame is RoomEvent {
  return ROOM_EVENT_TYPES.has(frame.type);
}
