import type { Event, LiveDelta } from "./types";

export const SUBPROTOCOL = "betterchat.v1";

/** Close codes of the protocol. Any other code is a lost connection, and the client comes back. */
export const CloseCode = {
  frameTooLarge: 1009,
  serviceRestart: 1012,
  tooManyInvalidFrames: 4400,
  notSignedIn: 4401,
  notFound: 4404,
  protocolUnsupported: 4406,
  tooSlow: 4408,
} as const;

export type Frame = Event | LiveDelta;

/** Reads one frame; null for what this client does not understand (a newer server may send more). */
export function readFrame(data: unknown): Frame | null {
  if (typeof data !== "string") return null;
  let frame: unknown;
  try {
    frame = JSON.parse(data);
  } catch {
    return null;
  }
  if (Array.isArray(frame)) return isLiveDelta(frame) ? frame : null;
  if (typeof frame === "object" && frame !== null && typeof (frame as { type?: unknown }).type === "string") {
    return frame as Event;
  }
  return null;
}

export function isLiveDelta(frame: unknown): frame is LiveDelta {
  return (
    Array.isArray(frame) &&
    frame.length >= 5 &&
    frame.slice(0, 4).every((number) => Number.isInteger(number)) &&
    typeof frame[4] === "string"
  );
}
