import { vi } from "vitest";
import type { Frame } from "../protocol/frames";
import type { Command } from "../protocol/types";

/** The browser's end of a websocket, driven by a test: what a server would do is said in words. */
export class ScriptedSocket extends EventTarget {
  static readonly made: ScriptedSocket[] = [];
  readonly sent: Command[] = [];
  isClosed = false;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    super();
    ScriptedSocket.made.push(this);
  }

  static get last(): ScriptedSocket {
    const socket = ScriptedSocket.made.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.isClosed = true;
  }

  says(frame: Frame | string): void {
    const data = typeof frame === "string" ? frame : JSON.stringify(frame);
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  welcomes(): void {
    this.says({ type: "welcome", user: { id: 1, label: "Alice" }, server_version: "1", protocol: 1 });
  }

  breaks(code = 1006): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }

  /** Commands of one type, in order. */
  heard<Type extends Command["type"]>(type: Type): Extract<Command, { type: Type }>[] {
    return this.sent.filter((each): each is Extract<Command, { type: Type }> => each.type === type);
  }
}

/** Every socket that is opened from now on is a scripted one, and time stands still. */
export function scriptSockets(): void {
  ScriptedSocket.made.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", ScriptedSocket);
}

export function unscriptSockets(): void {
  vi.useRealTimers();
  vi.unstubAllGlobals();
}
