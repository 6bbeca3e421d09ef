// @vitest-environment jsdom
import { expect, it } from "vitest";
import { failureCard } from "./failure";

function linkOf(code: string, modelId: string): string | null {
  const error = { code, sentence: "It failed.", next_step: "Do this.", action: "choose_model" };
  return failureCard(error, modelId, true).querySelector("a")?.getAttribute("href") ?? null;
}

it.each([
  ["own_key_missing", "byok:openai:x", true],
  ["key_unreadable", "byok:openai:x", true],
  ["provider_key_refused", "byok:openai:x", true],
  ["key_unreadable", "openai:x", false],
  ["provider_key_refused", "openai:x", false],
  ["provider_failed", "byok:openai:x", false],
])("%s of %s leads to the person's own keys: %s", (code, modelId, leads) => {
  expect(linkOf(code, modelId)).toBe(leads ? "/settings/providers/" : null);
});
