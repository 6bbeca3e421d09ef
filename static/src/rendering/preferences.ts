const FAILED = "That could not be saved. Try again.";

/** Stores one preference. Null where it is stored, else what to tell the person. */
export async function storePreference(change: string, modelId: string): Promise<string | null> {
  const form = document.getElementById("model-preferences");
  if (!(form instanceof HTMLFormElement)) return FAILED;
  const body = new FormData(form);
  body.append(change, modelId);
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
    });
    if (response.ok) return null;
    const { sentence, next_step: step } = await response.json();
    return typeof sentence === "string" ? `${sentence} ${step}` : FAILED;
  } catch {
    return FAILED;
  }
}
