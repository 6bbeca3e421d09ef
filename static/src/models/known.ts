import type { MessageInfo, NoticePart, ReasoningPart, TextPart, TurnInfo } from "../protocol/types";
import type { Place } from "./position";

export type MessagePart = TextPart | ReasoningPart | NoticePart;
export type ResyncReason = "gap" | "hash";

/** A message as this tab knows it. `place` is how far the parts of an unfinished answer reach. */
export interface KnownMessage {
  info: MessageInfo;
  parts: MessagePart[];
  place: Place;
  /** How long the provider had been silent when this was told; 0 while it is heard. */
  silentSeconds: number;
}

/** What one input changed. `resync` asks the caller to open the conversation again, from nothing. */
export interface Change {
  readonly messages: Set<string>;
  structure: boolean;
  title: boolean;
  /** The model or the effort of the turns to come. */
  settings: boolean;
  deleted: boolean;
  started: TurnInfo[];
  finished: TurnInfo[];
  resync: ResyncReason | null;
}

export function noChange(): Change {
  return {
    messages: new Set(),
    structure: false,
    title: false,
    settings: false,
    deleted: false,
    started: [],
    finished: [],
    resync: null,
  };
}

const UNFINISHED = new Set<TurnInfo["state"]>(["queued", "starting", "running"]);

export function isUnfinished(turn: TurnInfo | undefined): boolean {
  return turn !== undefined && UNFINISHED.has(turn.state);
}

/** What a screen reader is told, once, when answers have ended. */
export function endWords(turns: readonly TurnInfo[]): string {
  const failed = turns.find((turn) => turn.state === "failed");
  if (failed?.error) return `The answer failed. ${failed.error.sentence}`;
  return turns.some((turn) => turn.state === "stopped") ? "Answer stopped" : "Answer finished";
}
