import { textHash } from "../models/hash";
import type { Frame } from "../protocol/frames";
import type { ConversationSnapshot, ConversationUsage, MessageInfo, TurnInfo } from "../protocol/types";

/* Conversations in words, for tests. */

const WHEN = "2026-01-01T12:00:00Z";

export function aMessage(id: string, overrides: Partial<MessageInfo> = {}): MessageInfo {
  return {
    id,
    parent_id: null,
    role: "user",
    parts: [{ kind: "text", text: `text of ${id}` }],
    created_at: WHEN,
    author: { id: 1, label: "Alice" },
    model_id: null,
    position: { attempt: 0, sequence: 0 },
    text_sha256: null,
    ...overrides,
  };
}

export function anAnswer(id: string, overrides: Partial<MessageInfo> = {}): MessageInfo {
  return aMessage(id, { role: "assistant", parts: [], author: null, model_id: "demo:demo", ...overrides });
}

export function aTurn(name: string, overrides: Partial<TurnInfo> = {}): TurnInfo {
  return {
    id: `turn-${name}`,
    message_id: `ask-${name}`,
    answer_id: `answer-${name}`,
    state: "starting",
    model_id: "demo:demo",
    effort: null,
    created_at: WHEN,
    started_at: null,
    finished_at: null,
    finish_reason: null,
    error: null,
    usage: null,
    ...overrides,
  };
}

/** What that many calls used, in a conversation. */
export function someUsage(calls: number): ConversationUsage {
  return {
    calls,
    input_tokens: calls * 100,
    output_tokens: calls * 10,
    cost_microusd: calls * 350,
    unknown_cost_calls: 0,
    estimated_calls: 0,
  };
}

export function aSnapshot(
  version: number,
  overrides: Partial<ConversationSnapshot> = {},
): ConversationSnapshot {
  return {
    type: "conversation.snapshot",
    conversation: {
      id: "conversation",
      title: "A title",
      title_source: "placeholder",
      model_id: "demo:demo",
      effort: null,
      version,
      created_at: WHEN,
      last_activity_at: WHEN,
      usage: someUsage(0),
    },
    messages: [],
    turns: [],
    has_earlier: false,
    ...overrides,
  };
}

/** `turn.created` for a message below `parentId`, with its empty answer. */
export function created(version: number, name: string, parentId: string | null): Frame {
  return {
    type: "turn.created",
    version,
    turn: aTurn(name),
    message: aMessage(`ask-${name}`, { parent_id: parentId }),
    answer: anAnswer(`answer-${name}`, { parent_id: `ask-${name}` }),
  };
}

export function started(version: number, name: string): Frame {
  return { type: "turn.started", version, turn: aTurn(name, { state: "running", started_at: WHEN }) };
}

export function finished(version: number, name: string, text: string): Frame {
  return {
    type: "turn.finished",
    version,
    turn: aTurn(name, { state: "completed", finished_at: WHEN, finish_reason: "stop" }),
    text_sha256: textHash([{ kind: "text", text }]),
    conversation_usage: someUsage(version),
  };
}

export function opened(handle: number, name: string, attempt: number, sequence: number): Frame {
  return {
    type: "live.opened",
    handle,
    turn_id: `turn-${name}`,
    message_id: `answer-${name}`,
    position: { attempt, sequence },
  };
}
