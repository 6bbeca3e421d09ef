import { CloseCode, type Frame, readFrame, SUBPROTOCOL } from "../protocol/frames";
import type { Command } from "../protocol/types";
import { Backoff } from "./backoff";

const PING_EVERY_MS = 25_000;
const ANSWER_WITHIN_MS = 10_000;
const CONNECT_WITHIN_MS = 15_000;
const RESTART_WITHIN_MS = 2_000;
const ACKNOWLEDGE_FRAMES = 16;
const ACKNOWLEDGE_CHARACTERS = 16_000;
const MAX_REFUSALS = 3;

/** Why a socket does not come back by itself. */
export type Ended = "gone" | "signed-out" | "outdated" | "refused";
export type SocketState = "connecting" | "open" | Ended | "closed";

export interface SocketListener {
  /** The server has welcomed this socket: commands may be sent. */
  onOpen(): void;
  onFrame(frame: Frame): void;
  onState(state: SocketState): void;
}

const ENDINGS = new Map<number, Ended>([
  [CloseCode.notFound, "gone"],
  [CloseCode.notSignedIn, "signed-out"],
  [CloseCode.protocolUnsupported, "outdated"],
]);
/** These say that a frame of ours was bad: coming back for ever would repeat it for ever. */
const REFUSALS = new Set<number>([CloseCode.tooManyInvalidFrames, CloseCode.frameTooLarge]);

/**
 * A websocket that comes back: pings, acknowledges what it receives, notices a dead line, and
 * reconnects with back-off. What is lost in between is the business of whoever listens.
 */
export class LiveSocket {
  readonly #url: string;
  readonly #listener: SocketListener;
  readonly #backoff = new Backoff();
  #socket: WebSocket | null = null;
  #state: SocketState = "closed";
  #frames = 0;
  #unacknowledgedFrames = 0;
  #unacknowledgedCharacters = 0;
  #refusals = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, listener: SocketListener) {
    this.#url = url;
    this.#listener = listener;
  }

  get state(): SocketState {
    return this.#state;
  }

  connect(): void {
    if (this.#socket !== null) return;
    clearTimeout(this.#retry);
    this.#frames = 0;
    this.#unacknowledgedFrames = 0;
    this.#unacknowledgedCharacters = 0;
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    this.#setState("connecting");
    this.#expectBy(CONNECT_WITHIN_MS);
    socket.addEventListener("message", (event) => {
      if (socket === this.#socket) this.#receive(event.data);
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.#socket) this.#lost(event.code);
    });
  }

  /** The network is back or the page is looked at: don't wait out the back-off. */
  hurry(): void {
    if (this.#state === "open") this.#sendPing();
    else if (this.#state === "connecting" && this.#socket === null) this.connect();
  }

  /** Ends for good. */
  close(): void {
    this.#abandon();
    clearTimeout(this.#retry);
    this.#setState("closed");
  }

  /** False where the socket is not open: the command was not sent. */
  send(command: Command): boolean {
    if (this.#state !== "open" || this.#socket === null) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  #receive(data: unknown): void {
    this.#countFrame(typeof data === "string" ? data.length : 0);
    clearTimeout(this.#deadline);
    const frame = readFrame(data);
    if (frame === null) return;
    if (!Array.isArray(frame) && frame.type === "welcome") {
      this.#backoff.reset();
      this.#setState("open");
      this.#pingLater();
      this.#listener.onOpen();
    }
    this.#listener.onFrame(frame);
  }

  #countFrame(characters: number): void {
    this.#frames += 1;
    this.#unacknowledgedFrames += 1;
    this.#unacknowledgedCharacters += characters;
    const due =
      this.#unacknowledgedFrames >= ACKNOWLEDGE_FRAMES ||
      this.#unacknowledgedCharacters >= ACKNOWLEDGE_CHARACTERS;
    if (!due || !this.send({ type: "ack", frames: this.#frames })) return;
    this.#unacknowledgedFrames = 0;
    this.#unacknowledgedCharacters = 0;
  }

  #pingLater(): void {
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => this.#sendPing(), PING_EVERY_MS);
  }

  #sendPing(): void {
    if (!this.send({ type: "ping" })) return;
    this.#expectBy(ANSWER_WITHIN_MS);
    this.#pingLater();
  }

  #expectBy(withinMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#lost(0), withinMs);
  }

  #lost(code: number): void {
    this.#abandon();
    if (REFUSALS.has(code)) this.#refusals += 1;
    const ended = this.#refusals >= MAX_REFUSALS ? "refused" : ENDINGS.get(code);
    if (ended !== undefined) {
      this.#setState(ended);
      return;
    }
    const wait = code === CloseCode.serviceRestart ? Math.random() * RESTART_WITHIN_MS : this.#backoff.next();
    this.#retry = setTimeout(() => this.connect(), wait);
    this.#setState("connecting");
  }

  #abandon(): void {
    const socket = this.#socket;
    this.#socket = null;
    clearTimeout(this.#ping);
    clearTimeout(this.#deadline);
    socket?.close();
  }

  #setState(state: SocketState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.onState(state);
  }
}

/** The address of a websocket on the page's own host. */
export function socketUrl(path: string, origin: string = location.origin): string {
  return origin.replace(/^http/, "ws") + path;
}
