import type { ConversationUsage, TurnUsage } from "../protocol/types";
import { formatDuration, formatNumber } from "./words";

/** Micro-dollars as people read money: "$0.0012", "$1.20", "< $0.0001", "no cost", "unknown". */
export function formatCost(microusd: number | null): string {
  if (microusd === null) return "unknown";
  if (microusd === 0) return "no cost";
  if (microusd < 100) return "< $0.0001";
  const hundredths = Math.round(microusd / 100);
  if (hundredths < 10_000) return `$${(hundredths / 10_000).toFixed(4)}`;
  const cents = Math.round(microusd / 10_000);
  return `$${formatNumber(Math.floor(cents / 100))}.${String(cents % 100).padStart(2, "0")}`;
}

/** "1 token", "1,200 tokens", "unknown". */
export function formatTokens(count: number | null): string {
  return count === null ? "unknown" : counted(count, "token");
}

/** The one quiet line under an answer: "1,200 tokens · $0.0012". */
export function usageLine(usage: TurnUsage): string {
  const { input_tokens: input, output_tokens: output, cost_microusd: cost } = usage;
  const about = usage.estimated ? "about " : "";
  const words: string[] = [];
  if (input !== null && output !== null) words.push(`${about}${formatTokens(input + output)}`);
  if (cost !== null) words.push(cost === 0 ? formatCost(cost) : `${about}${formatCost(cost)}`);
  else words.push("cost unknown");
  return capitalised(words.join(" · "));
}

/** What is told in full, as names and values. A part (of which) has a name that says so. */
export function usageRows(usage: TurnUsage, modelName: string): Array<[name: string, value: string]> {
  const rows: Array<[string, string]> = [["Model", modelName]];
  if (usage.served_by.length > 0) rows.push(["Served by", usage.served_by.join(", then ")]);
  if (usage.own_key) rows.push(["Key", "your own"]);
  if (usage.calls > 1) rows.push(["Calls", formatNumber(usage.calls)]);
  rows.push(["Input", formatTokens(usage.input_tokens)]);
  if (usage.cached_tokens) rows.push(["of it cached", formatTokens(usage.cached_tokens)]);
  rows.push(["Output", formatTokens(usage.output_tokens)]);
  if (usage.reasoning_tokens) rows.push(["of it reasoning", formatTokens(usage.reasoning_tokens)]);
  rows.push(["Cost", formatCost(usage.cost_microusd)]);
  if (usage.first_token_ms !== null) rows.push(["First token after", formatSeconds(usage.first_token_ms)]);
  rows.push(["Duration", formatSeconds(usage.duration_ms)]);
  return rows;
}

/** The whole conversation in sentences; none before anything was used. */
export function totalLines(usage: ConversationUsage): string[] {
  if (usage.calls === 0) return [];
  const unknown = usage.unknown_cost_calls;
  const words = [counted(usage.calls, "call")];
  const tokens = usage.input_tokens + usage.output_tokens;
  if (tokens > 0) words.unshift(formatTokens(tokens));
  if (unknown < usage.calls) words.unshift(formatCost(usage.cost_microusd));
  const lines = [capitalised(words.join(" · "))];
  if (unknown > 0) lines.push(`${counted(unknown, "call")} of unknown cost`);
  if (usage.estimated_calls > 0) lines.push(`${counted(usage.estimated_calls, "call")} estimated`);
  lines.push("Every answer counts, titles don't.");
  return lines;
}

/** "< 0.1 s", "0.8 s", "12 s", "1 min 5 s": the first ten seconds to a tenth. */
export function formatSeconds(milliseconds: number): string {
  if (milliseconds < 100) return "< 0.1 s";
  const tenths = Math.round(milliseconds / 100);
  return tenths < 100 ? `${(tenths / 10).toFixed(1)} s` : formatDuration(milliseconds);
}

function counted(count: number, what: string): string {
  return `${formatNumber(count)} ${what}${count === 1 ? "" : "s"}`;
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
