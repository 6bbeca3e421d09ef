import { type Frame, isLiveDelta } from "../protocol/frames";
import type {
  AnswerReplaced,
  AnswerSilent,
  LiveDelta,
  LiveOpened,
  PartAdded,
  PartEnded,
  PartStarted,
} from "../protocol/types";
import type { KnownMessage } from "./known";
import { comparePlaces, place } from "./position";

interface Handle {
  readonly messageId: string;
  attempt: number;
}

/** What a live frame did: wrote a message, changed nothing, or showed that something is missing. */
export type LiveOutcome = { readonly wrote: string } | "nothing" | "gap";
export type LiveFrame =
  | LiveDelta
  | LiveOpened
  | PartStarted
  | PartEnded
  | PartAdded
  | AnswerSilent
  | AnswerReplaced;

const LIVE_TYPES = new Set<string>([
  "live.opened",
  "part.started",
  "part.ended",
  "part.added",
  "answer.silent",
  "answer.replaced",
]);

export function isLiveFrame(frame: Frame): frame is LiveFrame {
  return isLiveDelta(frame) || LIVE_TYPES.has(frame.type);
}

/** Writes live frames into the messages they belong to: each entry once, in order, or not at all. */
export class LiveWriter {
  readonly #handles = new Map<number, Handle>();
  readonly #messages: ReadonlyMap<string, KnownMessage>;

  constructor(messages: ReadonlyMap<string, KnownMessage>) {
    this.#messages = messages;
  }

  /** Handles belong to a socket: a new one begins without any. */
  forgetHandles(): void {
    this.#handles.clear();
  }

  apply(frame: LiveFrame): LiveOutcome {
    if (isLiveDelta(frame)) return this.#delta(frame);
    switch (frame.type) {
      case "live.opened":
        return this.#opened(frame);
      case "part.started":
        return this.#partStarted(frame);
      case "part.ended":
        return this.#partEnded(frame);
      case "part.added":
        return this.#partAdded(frame);
      case "answer.silent":
        return this.#silent(frame);
      case "answer.replaced":
        return this.#replaced(frame);
    }
  }

  #opened(event: LiveOpened): LiveOutcome {
    const theirs = place(event.position);
    this.#handles.set(event.handle, { messageId: event.message_id, attempt: theirs.attempt });
    const message = this.#messages.get(event.message_id);
    return message === undefined || comparePlaces(message.place, theirs) < 0 ? "gap" : "nothing";
  }

  #replaced(event: AnswerReplaced): LiveOutcome {
    const handle = this.#handles.get(event.handle);
    const message = handle && this.#messages.get(handle.messageId);
    if (!handle || !message) return "nothing";
    const theirs = place(event.position);
    handle.attempt = theirs.attempt;
    if (comparePlaces(theirs, message.place) <= 0) return "nothing";
    message.parts = event.parts.map((part) => ({ ...part }));
    message.place = theirs;
    message.silentSeconds = 0;
    return { wrote: handle.messageId };
  }

  #partStarted(event: PartStarted): LiveOutcome {
    return this.#write(event.handle, event.sequence, event.sequence, (message) => {
      if (event.part !== message.parts.length) return false;
      message.parts.push({ kind: event.kind, text: "" });
      return true;
    });
  }

  #partAdded(event: PartAdded): LiveOutcome {
    return this.#write(event.handle, event.sequence, event.sequence, (message) => {
      if (event.part !== message.parts.length) return false;
      message.parts.push({ ...event.content });
      return true;
    });
  }

  #silent(event: AnswerSilent): LiveOutcome {
    return this.#write(event.handle, event.sequence, event.sequence, (message) => {
      message.silentSeconds = event.seconds;
      return true;
    });
  }

  #partEnded(event: PartEnded): LiveOutcome {
    return this.#write(event.handle, event.sequence, event.sequence, (message) => {
      const part = message.parts[event.part];
      if (part?.kind === "reasoning") part.duration_ms = event.duration_ms;
      return part !== undefined;
    });
  }

  #delta([handle, first, last, index, text]: LiveDelta): LiveOutcome {
    return this.#write(handle, first, last, (message) => {
      const part = message.parts[index];
      if (part === undefined || part.kind === "notice") return false;
      part.text += text;
      return true;
    });
  }

  /**
   * Applies entries `first` to `last` where they come next. Entries known already or of a former
   * attempt are skipped. Entries known in part are a gap as well: their text is merged, so that the
   * known part can't be cut off.
   */
  #write(
    number: number,
    first: number,
    last: number,
    write: (message: KnownMessage) => boolean,
  ): LiveOutcome {
    const handle = this.#handles.get(number);
    const message = handle && this.#messages.get(handle.messageId);
    if (!handle || !message) return "nothing";
    const { attempt, sequence } = message.place;
    if (handle.attempt < attempt || (handle.attempt === attempt && last <= sequence)) return "nothing";
    if (handle.attempt > attempt || first !== sequence + 1) return "gap";
    message.silentSeconds = 0;
    if (!write(message)) return "gap";
    message.place = { attempt, sequence: last };
    return { wrote: handle.messageId };
  }
}
