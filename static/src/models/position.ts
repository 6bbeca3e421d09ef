import type { Position } from "../protocol/types";

/** How far an answer is known. (0, 0) is nothing. */
export interface Place {
  readonly attempt: number;
  readonly sequence: number;
}

export const NOWHERE: Place = { attempt: 0, sequence: 0 };

export function place(position: Position): Place {
  return { attempt: position.attempt ?? 0, sequence: position.sequence ?? 0 };
}

/** Below zero where `left` is behind `right`, above where it is ahead, zero where they are equal. */
export function comparePlaces(left: Place, right: Place): number {
  return left.attempt - right.attempt || left.sequence - right.sequence;
}
