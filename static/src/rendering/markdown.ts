import MarkdownItMaker, { type Env, type MarkdownIt, type Token } from "markdown-it";
import { mathPlugin } from "./math";

const LANGUAGE = /^[\w+#.-]{1,30}/;
const TASK = /^\[([ xX])\] /;
const SAFE_LINK = /^(https?:|mailto:)/i;

/** The Markdown of answers: GFM without HTML. Images become links: nothing remote is fetched. */
export const markdown = createMarkdown();

export type MarkdownEnv = Env & { isGrowing?: boolean };

function createMarkdown(): MarkdownIt {
  const md = new MarkdownItMaker({ html: false, linkify: true, breaks: false, typographer: false });
  md.validateLink = (url) => SAFE_LINK.test(url.trim());
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  mathPlugin(md);
  md.core.ruler.after("inline", "task_lists", (state) => markTasks(state.tokens));
  md.core.ruler.after("block", "table_alignment", (state) => alignCells(state.tokens));
  md.renderer.rules.image = (tokens, index) => imageLink(md, tokens[index]!);
  md.renderer.rules.fence = (tokens, index) => codeFigure(md, tokens[index]!);
  md.renderer.rules.code_block = (tokens, index) => codeFigure(md, tokens[index]!);
  md.renderer.rules["table_open"] = () => '<div class="table" tabindex="0"><table>\n';
  md.renderer.rules["table_close"] = () => "</table></div>\n";
  return md;
}

/** `![alt](address)` as a link that says what it leads to. */
function imageLink(md: MarkdownIt, token: Token): string {
  const address = String(token.attrGet("src") ?? "");
  const alt = token.content.trim() || "no description";
  let host = "";
  try {
    host = new URL(address).host;
  } catch {
    return md.utils.escapeHtml(`image: ${alt}`);
  }
  const label = md.utils.escapeHtml(`image: ${alt} (${host})`);
  return `<a class="image-link" href="${md.utils.escapeHtml(address)}">${label}</a>`;
}

function codeFigure(md: MarkdownIt, token: Token): string {
  const language = LANGUAGE.exec(token.info.trim())?.[0] ?? "";
  const code = md.utils.escapeHtml(token.content);
  return `<figure class="code" data-language="${md.utils.escapeHtml(language)}"><pre tabindex="0"><code>${code}</code></pre></figure>\n`;
}

/** `- [x] done` gets a box that shows the state and can't be clicked. */
function markTasks(tokens: Token[]): void {
  tokens.forEach((token, index) => {
    if (token.type !== "inline" || tokens[index - 2]?.type !== "list_item_open") return;
    const first = token.children?.[0];
    const match = first?.type === "text" ? TASK.exec(first.content) : null;
    if (!first || !match) return;
    first.content = first.content.slice(match[0].length);
    tokens[index - 2]!.attrJoin("class", match[1] === " " ? "task" : "task task--done");
  });
}

/** The parser aligns cells by `style`, which the content security policy forbids. */
function alignCells(tokens: Token[]): void {
  for (const token of tokens) {
    if (token.type !== "th_open" && token.type !== "td_open") continue;
    const side = /text-align:(left|right|center)/.exec(String(token.attrGet("style") ?? ""))?.[1];
    token.attrs = side === undefined ? null : [["align", side]];
  }
}
