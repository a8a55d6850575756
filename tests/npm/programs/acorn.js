const acorn = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
const hash = (text) => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16);
};
const replacer = (key, value) => (typeof value === "bigint" ? value + "n" : value instanceof RegExp ? String(value) : value);
const parse = (code, options) => acorn.parse(code, { ecmaVersion: 2024, ...options });
const count = (node, counts = {}) => {
  if (node && typeof node.type === "string") counts[node.type] = (counts[node.type] || 0) + 1;
  if (node && typeof node === "object") for (const key of Object.keys(node)) if (key !== "loc") count(node[key], counts);
  return counts;
};

show("version", acorn.version);

// The sizable real source is the parser's own: the text of its methods.
const own = [];
for (const [name, holder] of [["pp", acorn.Parser.prototype], ["tc", acorn.TokContext], ["pos", acorn.Position.prototype], ["acorn", acorn]]) {
  for (const key of Object.getOwnPropertyNames(holder)) {
    const got = Object.getOwnPropertyDescriptor(holder, key).value;
    if (typeof got === "function" && key !== "constructor") own.push(name + "[" + JSON.stringify(key) + "] = " + got.toString() + ";");
  }
}
const source = own.join("\n");
const comments = [];
const tree = parse(source, { locations: true, onComment: comments });
show("own source", [own.length, source.length, hash(source), tree.body.length, comments.length, tree.loc.end]);
show("own tree", Object.entries(count(tree)).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
const json = JSON.stringify(parse(source), replacer);
show("own json", [json.length, hash(json)]);
show("comments", comments.slice(0, 3).map((c) => [c.type, c.value.trim(), c.loc.start.line]));

// Newer syntax, whole trees.
const modern = [
  "class A extends (B, C) { static #p = 1n; get #q() { return #p in this } static { this.x ??= 2 } async *[Symbol.iterator]() { yield* await 1 } }",
  "const { a = 1, ...r } = { ...x }, f = async ({ b: [c] }) => `t${c}\\u{1F600}${`n`}`; f?.(r)?.[0] ** -2 || (a &&= 0x_1 ? 1_000 : .5e-3)".replace("0x_1", "0x1_F"),
  "let ünï = /(?<año>\\p{Script=Greek})\\k<año>[\\u{1F600}-\\u{1F64F}]/u, 𠮷 = '\\u{20BB7}', s = /[\\p{L}\\d]/v; label: for (const x of y) { if (x) continue label; else break }",
];
for (const code of modern) show("modern", JSON.parse(JSON.stringify(parse(code), replacer)));
show("module", count(parse("import d, { a as b, 'é' as c } from 'm'; export * as ns from 'n'; export default class {} export { b as 'x y' }; await import.meta.url; import('z')", { sourceType: "module" })));
show("expression", acorn.parseExpressionAt("ignored (a, b) => a + b; rest", 8, { ecmaVersion: 6 }).body.operator);
show("tokens", [...acorn.tokenizer("x /= y / /[/]/g; `a${ {} }b` <!-- gone\n--> gone too", { ecmaVersion: 2020 })].map((t) => [t.type.label, t.start, t.end]));

// A plugin, by extending the parser.
const Shout = acorn.Parser.extend((Base) => class extends Base {
  parseIdent(liberal) {
    const node = super.parseIdent(liberal);
    node.name = node.name.toUpperCase();
    return node;
  }
});
show("plugin", Shout.parse("straße(ǆ, b)", { ecmaVersion: 2020 }).body[0].expression);

// Every refusal is the parser's own and carries a position.
for (const [code, options] of [["let a; let a"], ["x = {a: 1,, b}"], ["'unterminated\n'"], ["/(/"], ["/\\p{Nope}/u"], ["return 1"], ["await 1"], ["class A { #a; #a }"], ["this.#b"], ["'use strict'; with (a) {}"], ["0777", { sourceType: "module" }], ["a => {} ()", { ecmaVersion: 2020 }], ["x\n  = `${`"], ["\u{1F600} = 1"], ["a ?? b || c"], ["function f(a, a) { 'use strict' }"], ["import a from 'b'"], ["async () => {}", { ecmaVersion: 5 }]]) {
  try {
    parse(code, options);
    show("accepted", code);
  } catch (error) {
    show("refused", [code, error.name, error.message, error.pos, error.raisedAt, error.loc]);
  }
}
