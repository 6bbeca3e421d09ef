import { describe, expect, it } from "vitest";
import type { ConversationUsage, TurnUsage } from "../protocol/types";
import { formatCost, formatSeconds, formatTokens, totalLines, usageLine, usageRows } from "./usage_words";

function used(overrides: Partial<TurnUsage> = {}): TurnUsage {
  return {
    calls: 1,
    input_tokens: 1_000,
    output_tokens: 234,
    cached_tokens: null,
    reasoning_tokens: null,
    cost_microusd: 1_234,
    estimated: false,
    own_key: false,
    served_by: ["OpenAI"],
    first_token_ms: 840,
    duration_ms: 12_300,
    ...overrides,
  };
}

function total(overrides: Partial<ConversationUsage> = {}): ConversationUsage {
  return {
    calls: 3,
    input_tokens: 2_000,
    output_tokens: 500,
    cost_microusd: 12_345,
    unknown_cost_calls: 0,
    estimated_calls: 0,
    ...overrides,
  };
}

describe("money in words", () => {
  it.each([
    [null, "unknown"],
    [0, "no cost"],
    [1, "< $0.0001"],
    [99, "< $0.0001"],
    [100, "$0.0001"],
    [1_250, "$0.0013"],
    [999_949, "$0.9999"],
    [999_950, "$1.00"],
    [1_234_567, "$1.23"],
    [1_995_000, "$2.00"],
    [12_345_678_900, "$12,345.68"],
  ])("%s micro-dollars are %s", (microusd, words) => {
    expect(formatCost(microusd)).toBe(words);
  });
});

it.each([
  [40, "< 0.1 s"],
  [840, "0.8 s"],
  [9_949, "9.9 s"],
  [9_950, "10 s"],
  [59_700, "1 min"],
  [65_000, "1 min 5 s"],
])("%i ms are %s", (milliseconds, words) => {
  expect(formatSeconds(milliseconds)).toBe(words);
});

it("tokens carry their unit, and what is unknown is not zero", () => {
  expect([0, 1, 1_200, null].map(formatTokens)).toEqual(["0 tokens", "1 token", "1,200 tokens", "unknown"]);
});

describe("the line under an answer", () => {
  it("says tokens and cost", () => {
    expect(usageLine(used())).toBe("1,234 tokens · $0.0012");
  });

  it("says what is unknown, and what is only about so", () => {
    expect(usageLine(used({ cost_microusd: null }))).toBe("1,234 tokens · cost unknown");
    expect(usageLine(used({ cost_microusd: null, output_tokens: null }))).toBe("Cost unknown");
    expect(usageLine(used({ estimated: true }))).toBe("About 1,234 tokens · about $0.0012");
  });

  it("is short for what is free and counts nothing, like the demo", () => {
    expect(usageLine(used({ cost_microusd: 0, input_tokens: null, output_tokens: null }))).toBe("No cost");
  });
});

describe("what an answer used in full", () => {
  it("has a row for everything that is known of it", () => {
    const usage = used({ calls: 2, served_by: ["Lab", "OpenAI"], cached_tokens: 800, reasoning_tokens: 50 });
    expect(usageRows({ ...usage, own_key: true }, "GPT")).toEqual([
      ["Model", "GPT"],
      ["Served by", "Lab, then OpenAI"],
      ["Key", "your own"],
      ["Calls", "2"],
      ["Input", "1,000 tokens"],
      ["of it cached", "800 tokens"],
      ["Output", "234 tokens"],
      ["of it reasoning", "50 tokens"],
      ["Cost", "$0.0012"],
      ["First token after", "0.8 s"],
      ["Duration", "12 s"],
    ]);
  });

  it("says unknown where a count or a cost is, and leaves out what is not there", () => {
    const usage = used({ input_tokens: null, cost_microusd: null, first_token_ms: null, served_by: [] });
    expect(usageRows(usage, "GPT")).toEqual([
      ["Model", "GPT"],
      ["Input", "unknown"],
      ["Output", "234 tokens"],
      ["Cost", "unknown"],
      ["Duration", "12 s"],
    ]);
  });
});

describe("the total of a conversation", () => {
  it("says what it counts", () => {
    expect(totalLines(total())).toEqual([
      "$0.0123 · 2,500 tokens · 3 calls",
      "Every answer counts, titles don't.",
    ]);
  });

  it("says of how many calls the cost is unknown, and how many are estimated", () => {
    expect(totalLines(total({ unknown_cost_calls: 1, estimated_calls: 2 })).slice(1, 3)).toEqual([
      "1 call of unknown cost",
      "2 calls estimated",
    ]);
    const nothingKnown = total({
      unknown_cost_calls: 3,
      cost_microusd: 0,
      input_tokens: 0,
      output_tokens: 0,
    });
    expect(totalLines(nothingKnown)[0]).toBe("3 calls");
  });

  it("is silent before anything was used", () => {
    expect(totalLines(total({ calls: 0 }))).toEqual([]);
  });
});
