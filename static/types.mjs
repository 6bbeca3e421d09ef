// Turns src/protocol/schema.json (exported from the Python protocol) into src/protocol/types.ts.
import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const SCHEMA = new URL("src/protocol/schema.json", import.meta.url);
const TYPES = new URL("src/protocol/types.ts", import.meta.url);
const BANNER = "// Made by types.mjs from schema.json. Do not edit.\n";

/** The generator reads tuples in the older spelling only (`items`, not `prefixItems`). */
function spellTuples(definition) {
  if (!Array.isArray(definition.prefixItems)) return definition;
  const { prefixItems, ...rest } = definition;
  return { ...rest, items: prefixItems, maxItems: prefixItems.length, additionalItems: false };
}

export async function writeTypes() {
  const { $defs: definitions } = JSON.parse(await readFile(SCHEMA, "utf8"));
  const named = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      { ...spellTuples(definition), title: name },
    ]),
  );
  const root = {
    title: "Protocol",
    type: "object",
    additionalProperties: false,
    required: Object.keys(named),
    properties: Object.fromEntries(Object.keys(named).map((name) => [name, { $ref: `#/$defs/${name}` }])),
    $defs: named,
  };
  const types = await compile(root, "Protocol", {
    bannerComment: BANNER,
    additionalProperties: false,
    format: false,
  });
  await writeFile(TYPES, types);
}

if (import.meta.url === `file://${process.argv[1]}`) await writeTypes();
