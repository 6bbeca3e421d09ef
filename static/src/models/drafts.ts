export interface UnsentMessage {
  readonly messageId: string;
  readonly conversationId: string;
  readonly text: string;
}

/** What a person typed in one conversation and the server does not have yet. */
interface Draft {
  readonly text: string;
  /** Sent and not yet known to be stored. */
  readonly unsent: readonly UnsentMessage[];
}

const PREFIX = "betterchat.draft.";
export const NEW_CONVERSATION = "new";

/** Keeps typed text in the browser until the server has it: a reload, a crash or a refusal loses nothing. */
export class Drafts {
  readonly #storage: Storage | null;
  readonly #key: string;

  constructor(storage: Storage | null, conversationId: string | null) {
    this.#storage = storage;
    this.#key = PREFIX + (conversationId ?? NEW_CONVERSATION);
  }

  /**
   * What belongs into the composer when the page opens: texts that were sent but never stored,
   * then what was being typed. `isStored` tells which messages the server has after all.
   */
  restore(isStored: (message: UnsentMessage) => boolean): { text: string; sent: string[] } {
    const draft = this.#read();
    const lost = draft.unsent.filter((message) => !isStored(message));
    const text = [...lost.map((message) => message.text), draft.text]
      .filter((each) => each !== "")
      .join("\n\n");
    this.#write({ text, unsent: [] });
    return { text, sent: lost.map((message) => message.messageId) };
  }

  typed(text: string): void {
    this.#write({ ...this.#read(), text });
  }

  sending(message: UnsentMessage): void {
    const draft = this.#read();
    const { messageId, conversationId, text } = message;
    this.#write({ text: "", unsent: [...draft.unsent, { messageId, conversationId, text }] });
  }

  /** Stored, or back in the composer: either way no longer under way. */
  settled(messageId: string): void {
    const draft = this.#read();
    this.#write({ ...draft, unsent: draft.unsent.filter((message) => message.messageId !== messageId) });
  }

  #read(): Draft {
    try {
      const draft: unknown = JSON.parse(this.#storage?.getItem(this.#key) ?? "null");
      if (isDraft(draft)) return draft;
    } catch {
      // Unreadable or forbidden storage is an empty one.
    }
    return { text: "", unsent: [] };
  }

  #write(draft: Draft): void {
    try {
      if (draft.text === "" && draft.unsent.length === 0) this.#storage?.removeItem(this.#key);
      else this.#storage?.setItem(this.#key, JSON.stringify(draft));
    } catch {
      // Storage is full or forbidden: the text is still in the page.
    }
  }
}

function isDraft(value: unknown): value is Draft {
  if (typeof value !== "object" || value === null) return false;
  const { text, unsent } = value as Partial<Draft>;
  return typeof text === "string" && Array.isArray(unsent);
}

/** The browser's storage; null where it is forbidden. */
export function browserStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
