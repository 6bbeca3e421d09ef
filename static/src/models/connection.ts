import type { SocketState } from "./socket";

export type ConnectionState = "fine" | "lost" | "signed-out" | "outdated";

const PATIENCE_MS = 2_000;

/** One word for all sockets of the page, told only when it matters: a short break is nobody's business. */
export class ConnectionWatch {
  readonly #sockets = new Map<string, SocketState>();
  #told: ConnectionState = "fine";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tell: (state: ConnectionState) => void = () => {};

  onChange(tell: (state: ConnectionState) => void): void {
    this.#tell = tell;
  }

  set(name: string, state: SocketState): void {
    this.#sockets.set(name, state);
    const now = this.#now();
    clearTimeout(this.#timer);
    if (now === "lost" && this.#told !== "lost") this.#timer = setTimeout(() => this.#say(now), PATIENCE_MS);
    else this.#say(now);
  }

  #now(): ConnectionState {
    const states = [...this.#sockets.values()];
    if (states.includes("signed-out")) return "signed-out";
    if (states.includes("outdated") || states.includes("refused")) return "outdated";
    return states.includes("connecting") ? "lost" : "fine";
  }

  #say(state: ConnectionState): void {
    if (state === this.#told) return;
    this.#told = state;
    this.#tell(state);
  }
}
