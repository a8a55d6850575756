const { Marked, marked } = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
const hash = (text) => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16);
};

const samples = {
  headings: "# One *two* `three`\n\nTitle\n=====\n\nSub **bold**\n---\n\n####### seven\n# closed ##\n",
  emphasis: "**bold _nested_ text** *a*b*c* __snake_case_word__ ***both*** ~~gone~~ **“quoted”**と *«été»* a**“**b**",
  lists: "1. one\n2. two\n   - nested\n     - deeper\n\n     paragraph\n   - [x] done\n   - [ ] to do\n3. three\n\n* loose\n\n* list\n",
  table: "| Left | Centre | Right | `a\\|b` |\n|:-----|:------:|------:|---|\n| é | **b** | 1 \\| 2 | ~x~ |\n| 日本語 | 👩‍🚀 |\n\nafter",
  code: "```js {1,2}\nconst x = '<b>' && \"é\";\n```\n\n    indented <code>\n\n~~~~\n```\n~~~~\n`` a ` b ``",
  links: "[inline](/url \"title\") [ref][Ref] [ref] ![img](<a b.png> 'alt') <https://example.org/?q=é&b> www.example.org/x_(y) me@example.org [nested [brackets]](x)\n\n[ref]: /target 'The \"title\"'\n[REF]: /ignored",
  html: "<div class=\"x\">\n*raw*\n</div>\n\ninline <b>html</b> <!-- note --> &copy; &amp; &#35; & <script>alert(1)</script>",
  quotes: "> quoted\nlazy\n> > deeper\n>\n> - list\n>   more\n\n***\n\nhard  \nbreak\\\nback\\\\slash \\*escaped\\*",
};
for (const [name, text] of Object.entries(samples)) show(name, marked.parse(text));
show("inline", marked.parseInline("only *inline* [x](y) <br>"));
show("breaks", new Marked({ breaks: true }).parse("a\nb"));
show("no gfm", new Marked({ gfm: false }).parse("~~a~~ www.example.org\n\n|a|\n|-|\n|b|"));
show("pedantic", new Marked({ pedantic: true, gfm: false }).parse("_a_b_c_ [x](<y>)\n#no space"));

// The token tree, not only the text made of it.
const tokens = new Marked().lexer("- a **b**\n- [c][d]\n\n[d]: e\n");
show("tokens", tokens);
show("links", tokens.links);

// A renderer, a tokenizer extension, token walking and hooks together.
const seen = [];
const custom = new Marked({
  renderer: {
    heading({ tokens, depth }) {
      const text = this.parser.parseInline(tokens);
      const slug = text.toLowerCase().replace(/<[^>]+>/g, "").replace(/[^\p{L}\p{N}]+/gu, "-");
      return `<h${depth} id="${slug}">${text}</h${depth}>\n`;
    },
    link: ({ href }) => (href.startsWith("/") ? false : `<a rel="nofollow" href="${href}">out</a>`),
  },
  extensions: [{
    name: "mention",
    level: "inline",
    start: (source) => source.indexOf("@"),
    tokenizer(source) {
      const match = /^@([\p{L}\d_]+)/u.exec(source);
      return match ? { type: "mention", raw: match[0], user: match[1] } : undefined;
    },
    renderer: (token) => `<span data-user="${token.user}"></span>`,
  }],
  walkTokens: (token) => { seen.push(token.type); },
  hooks: { preprocess: (text) => text.replace(/^---\n[^]*?\n---\n/, ""), postprocess: (html) => html.trim() },
});
show("custom", custom.parse("---\nfront: matter\n---\n# Größe & *Maß*\n\n@zoë meets @李 at [home](/home) or [out](https://example.org)\n"));
show("walked", seen);

// A document of some size.
let document = "";
for (let i = 0; i < 100; i++) {
  document += `## Part ${i} – «${String.fromCodePoint(0x1f600 + (i % 60))}»\n\nText with *some* **bold ${i}**, \`code ${i}\`, [link ${i}](/p/${i} "t") and <i>html</i>.\n\n${"> ".repeat(i % 4)}quote\n\n- a\n  - b${i}\n    1. c\n\n| a | b |\n|---|--:|\n| ${i} | x |\n\n`;
}
const html = marked.parse(document);
show("document", [document.length, html.length, hash(html), html.match(/<table>/g).length, html.match(/<blockquote>/g).length]);

for (const input of [undefined, null, 5, {}]) {
  try {
    marked.parse(input);
  } catch (error) {
    show("error", error.message.split("\n"));
  }
}
show("silent", new Marked({ silent: true }).parse(null));
try {
  new Marked({ renderer: { nope() {} } });
} catch (error) {
  show("error", error.message);
}
