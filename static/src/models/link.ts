import type { Frame } from "../protocol/frames";
import type { Command, CommandAccepted, ErrorInfo } from "../protocol/types";
import { type Ended, LiveSocket, type SocketState } from "./socket";

/** A command that asks for something to be stored: it has an id and is accepted or refused. */
export type Request = Extract<Command, { command_id: string }>;

export class Refused extends Error {
  readonly info: ErrorInfo;

  constructor(info: ErrorInfo) {
    super(info.code);
    this.info = info;
  }
}

export interface LinkListener {
  onOpen?(): void;
  onFrame?(frame: Frame): void;
  onState?(state: SocketState): void;
}

interface Waiting {
  readonly request: Request;
  readonly accept: (event: CommandAccepted) => void;
  readonly refuse: (error: Refused) => void;
}

const ENDINGS: Readonly<Record<Ended, ErrorInfo>> = {
  gone: {
    code: "not_found",
    sentence: "That isn't here, or it isn't yours.",
    next_step: "Go back to your conversations.",
    action: "none",
  },
  "signed-out": {
    code: "not_signed_in",
    sentence: "You are signed out.",
    next_step: "Sign in and send it again.",
    action: "sign_in",
  },
  outdated: {
    code: "protocol_unsupported",
    sentence: "The server speaks a newer language than this page.",
    next_step: "Reload the page.",
    action: "reload",
  },
  refused: {
    code: "invalid_frame",
    sentence: "The server no longer understands this page.",
    next_step: "Reload the page.",
    action: "reload",
  },
};

function isEnded(state: SocketState): state is Ended {
  return state in ENDINGS;
}

/**
 * Commands and events over one socket. A request outlives the socket: it is sent again, with the same
 * ids, until it is accepted or refused, which the server makes harmless.
 */
export class Link {
  readonly #socket: LiveSocket;
  readonly #listeners = new Set<LinkListener>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(url: string) {
    this.#socket = new LiveSocket(url, {
      onOpen: () => this.#opened(),
      onFrame: (frame) => this.#receive(frame),
      onState: (state) => this.#stateChanged(state),
    });
  }

  get state(): SocketState {
    return this.#socket.state;
  }

  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect(): void {
    this.#socket.connect();
  }

  hurry(): void {
    this.#socket.hurry();
  }

  close(): void {
    this.#socket.close();
  }

  /** Sends now or not at all; for what a new socket begins with anyway. */
  send(command: Command): void {
    this.#socket.send(command);
  }

  /** Resolves once the server has stored it. Rejects with `Refused`. */
  request(request: Request): Promise<CommandAccepted> {
    return new Promise((accept, refuse) => {
      if (isEnded(this.state)) {
        refuse(new Refused(ENDINGS[this.state]));
        return;
      }
      this.#waiting.set(request.command_id, { request, accept, refuse });
      this.#socket.send(request);
    });
  }

  #opened(): void {
    for (const listener of this.#listeners) listener.onOpen?.();
    for (const { request } of this.#waiting.values()) this.#socket.send(request);
  }

  #receive(frame: Frame): void {
    if (!Array.isArray(frame)) this.#answer(frame);
    for (const listener of this.#listeners) listener.onFrame?.(frame);
  }

  #answer(frame: Exclude<Frame, unknown[]>): void {
    if (frame.type !== "command.accepted" && frame.type !== "command.refused") return;
    const waiting = frame.command_id === null ? undefined : this.#waiting.get(frame.command_id);
    if (waiting === undefined) return;
    this.#waiting.delete(waiting.request.command_id);
    if (frame.type === "command.accepted") waiting.accept(frame);
    else waiting.refuse(new Refused(frame.error));
  }

  #stateChanged(state: SocketState): void {
    if (isEnded(state)) {
      for (const { refuse } of this.#waiting.values()) refuse(new Refused(ENDINGS[state]));
      this.#waiting.clear();
    }
    for (const listener of this.#listeners) listener.onState?.(state);
  }
}
