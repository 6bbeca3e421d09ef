import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { MessagePart } from "./known";

/** Hex SHA-256 over text and reasoning in order, nothing between them (as the server does it). */
export function textHash(parts: readonly MessagePart[]): string {
  const text = parts.map((part) => (part.kind === "notice" ? "" : part.text)).join("");
  return bytesToHex(sha256(utf8ToBytes(text)));
}
