import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** Hex SHA-256 over the text of all parts in order, nothing between them (as the server does it). */
export function textHash(parts: ReadonlyArray<{ readonly text: string }>): string {
  return bytesToHex(sha256(utf8ToBytes(parts.map((part) => part.text).join(""))));
}
