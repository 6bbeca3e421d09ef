import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Frame } from "../protocol/frames";
import { ScriptedSocket, scriptSockets, unscriptSockets } from "../testing/sockets";
import { LiveSocket, type SocketState, socketUrl } from "./socket";

beforeEach(scriptSockets);
afterEach(unscriptSockets);

function connected(): { socket: LiveSocket; states: SocketState[]; frames: Frame[]; opens: () => number } {
  const states: SocketState[] = [];
  const frames: Frame[] = [];
  let opens = 0;
  const socket = new LiveSocket("ws://host/ws/me/", {
    onOpen: () => {
      opens += 1;
    },
    onFrame: (frame) => frames.push(frame),
    onState: (state) => states.push(state),
  });
  socket.connect();
  return { socket, states, frames, opens: () => opens };
}

describe("a socket", () => {
  it("speaks the protocol and is open once it is welcomed", () => {
    const { socket, states, opens } = connected();
    expect(ScriptedSocket.last.protocol).toBe("betterchat.v1");
    expect(socket.send({ type: "ping" })).toBe(false);
    ScriptedSocket.last.welcomes();
    expect([states, opens()]).toEqual([["connecting", "open"], 1]);
    expect(socket.send({ type: "ping" })).toBe(true);
  });

  it("acknowledges every 16 frames, counting all since it opened", () => {
    connected();
    ScriptedSocket.last.welcomes();
    for (let index = 0; index < 31; index += 1) ScriptedSocket.last.says([1, index, index, 0, "x"]);
    expect(ScriptedSocket.last.heard("ack").map((ack) => ack.frames)).toEqual([16, 32]);
  });

  it("acknowledges large frames at once, and those it does not understand as well", () => {
    connected();
    ScriptedSocket.last.welcomes();
    ScriptedSocket.last.says([1, 1, 1, 0, "x".repeat(16_000)]);
    expect(ScriptedSocket.last.heard("ack").map((ack) => ack.frames)).toEqual([2]);
    for (let index = 0; index < 16; index += 1) ScriptedSocket.last.says("{broken");
    expect(ScriptedSocket.last.heard("ack").map((ack) => ack.frames)).toEqual([2, 18]);
  });

  it("pings, and comes back where nothing is heard in return", () => {
    connected();
    ScriptedSocket.last.welcomes();
    const first = ScriptedSocket.last;
    vi.advanceTimersByTime(25_000);
    expect(first.heard("ping")).toHaveLength(1);
    vi.advanceTimersByTime(9_000);
    first.says({ type: "pong", version: null });
    vi.advanceTimersByTime(20_000);
    expect(ScriptedSocket.last).toBe(first);
    vi.advanceTimersByTime(60_000);
    expect(first.isClosed).toBe(true);
    expect(ScriptedSocket.made.length).toBeGreaterThan(1);
  });

  it("waits longer and longer, up to 30 s, and starts anew after a welcome", () => {
    connected();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const before = Date.now();
      const made = ScriptedSocket.made.length;
      ScriptedSocket.last.breaks();
      while (ScriptedSocket.made.length === made) vi.advanceTimersByTime(50);
      waits.push(Date.now() - before);
    }
    expect(waits[0]).toBeLessThanOrEqual(550);
    expect(waits[8]).toBeGreaterThanOrEqual(15_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_050);
    ScriptedSocket.last.welcomes();
    ScriptedSocket.last.breaks();
    const made = ScriptedSocket.made.length;
    vi.advanceTimersByTime(550);
    expect(ScriptedSocket.made.length).toBe(made + 1);
  });

  it("does not wait where the network is back", () => {
    const { socket } = connected();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      ScriptedSocket.last.breaks();
      socket.hurry();
      expect(ScriptedSocket.made).toHaveLength(attempt + 2);
    }
  });

  it("comes back within two seconds when the server restarts", () => {
    connected();
    ScriptedSocket.last.welcomes();
    ScriptedSocket.last.breaks(1012);
    vi.advanceTimersByTime(2_000);
    expect(ScriptedSocket.made).toHaveLength(2);
  });

  it.each([
    [4404, "gone"],
    [4401, "signed-out"],
    [4406, "outdated"],
  ] as const)("ends at %i as %s", (code, state) => {
    const { socket, states } = connected();
    ScriptedSocket.last.breaks(code);
    vi.advanceTimersByTime(120_000);
    socket.hurry();
    expect(ScriptedSocket.made).toHaveLength(1);
    expect(states.at(-1)).toBe(state);
  });

  it("gives up where its frames are refused again and again", () => {
    const { states } = connected();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      ScriptedSocket.last.welcomes();
      ScriptedSocket.last.breaks(4400);
      vi.advanceTimersByTime(600);
    }
    expect(ScriptedSocket.made).toHaveLength(3);
    expect(states.at(-1)).toBe("refused");
  });

  it("hears nothing more of a connection it left", () => {
    const { frames } = connected();
    const first = ScriptedSocket.last;
    first.welcomes();
    first.breaks();
    first.says([1, 1, 1, 0, "late"]);
    expect(frames).toHaveLength(1);
  });
});

it("a socket's address follows the page's", () => {
  expect(socketUrl("/ws/me/", "https://chat.example")).toBe("wss://chat.example/ws/me/");
  expect(socketUrl("/ws/me/", "http://192.168.1.5:8000")).toBe("ws://192.168.1.5:8000/ws/me/");
});
