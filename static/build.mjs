// Builds the front end into dist/: hashed scripts and styles, the icons, and manifest.json with their names.
import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeTypes } from "./types.mjs";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const DIST = join(ROOT, "dist");
const STYLES = join(ROOT, "src/styles");
const TARGET = ["chrome123", "firefox121", "safari17.5"]; // light-dark(), nesting, popover
const ICONS = [
  "arrow-down", "arrow-up", "audio-lines", "brain", "chart-no-axes-column", "check", "chevron-down",
  "circle-user-round", "copy", "ellipsis", "file-text", "image", "key-round", "log-in", "log-out", "panel-left",
  "pencil", "rotate-ccw", "search", "settings", "square", "square-pen", "star", "trash-2", "user-plus", "video",
  "wrap-text", "wrench", "x",
]; // biome-ignore format: a list to read

/** Some stylesheets belong to other parts of the product and may not be there yet. */
const absentStylesAreEmpty = {
  name: "absent-styles-are-empty",
  setup(builder) {
    builder.onLoad({ filter: /styles[\\/](account|admin)\.css$/ }, async ({ path }) =>
      (await exists(path)) ? undefined : { contents: "", loader: "css" },
    );
    builder.onResolve({ filter: /\.\/(account|admin)\.css$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path),
    }));
  },
};

async function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Bundles with hashed names. Returns the files and which of them each entry became. */
async function bundle() {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: { app: "src/app.ts", main: "src/styles/main.css", noscript: "src/styles/noscript.css" },
    outdir: DIST,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: TARGET,
    minify: true,
    sourcemap: false,
    legalComments: "eof",
    metafile: true,
    write: false,
    logLevel: "warning",
    plugins: [absentStylesAreEmpty],
  });
  const manifest = {};
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (!output.entryPoint) continue;
    const name = basename(output.entryPoint, extname(output.entryPoint)) + extname(path);
    manifest[name] = basename(path);
  }
  const files = new Map(result.outputFiles.map((file) => [basename(file.path), file.contents]));
  return { files, manifest };
}

/** Django's admin names its stylesheet itself: it keeps a plain name. */
async function adminStyles() {
  const entry = join(STYLES, "admin.css");
  if (!(await exists(entry))) return new Map();
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    target: TARGET,
    write: false,
    logLevel: "warning",
  });
  return new Map([["admin.css", result.outputFiles[0].contents]]);
}

async function iconSprite() {
  const symbols = await Promise.all(
    ICONS.map(async (name) => {
      const svg = await readFile(join(ROOT, `node_modules/lucide-static/icons/${name}.svg`), "utf8");
      const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
      return `<symbol id="icon-${name}" viewBox="0 0 24 24">${body.replace(/\s*\n\s*/g, "")}</symbol>`;
    }),
  );
  const note = "<!-- Icons: Lucide, ISC licence -->";
  return `${note}<svg xmlns="http://www.w3.org/2000/svg" class="icon-sprite" aria-hidden="true">${symbols.join("")}</svg>`;
}

async function hashedFile(path) {
  const contents = await readFile(join(ROOT, path));
  // Upper-case, eight characters: the same form as the bundler's, by which the server caches for ever.
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, 8).toUpperCase();
  const extension = extname(path);
  return [`${basename(path, extension)}-${hash}${extension}`, contents];
}

/** New files first, then the manifest that names them, then the old ones go. */
async function write(files, manifest) {
  await mkdir(DIST, { recursive: true });
  for (const [name, contents] of files) await writeFile(join(DIST, name), contents);
  const unfinished = join(DIST, ".manifest.json");
  await writeFile(unfinished, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(unfinished, join(DIST, "manifest.json"));
  const current = new Set([...files.keys(), "manifest.json"]);
  for (const name of await readdir(DIST)) {
    if (!current.has(name)) await rm(join(DIST, name), { recursive: true });
  }
}

await writeTypes();
const { files, manifest } = await bundle();
const [faviconName, favicon] = await hashedFile("src/favicon.svg");
manifest["favicon.svg"] = faviconName;
files.set(faviconName, favicon);
for (const [name, contents] of await adminStyles()) files.set(name, contents);
files.set("icons.svg", await iconSprite());
await write(files, manifest);
