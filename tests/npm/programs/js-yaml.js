const yaml = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value, (key, v) => (v instanceof Uint8Array ? { bytes: [...v] } : typeof v === "number" && !Number.isFinite(v) ? String(v) : v)));

// Scalars of every kind, blocks and folding.
show("scalars", yaml.load(`
ints: [0, -12, 0x1F, 0o17, 0b101, 1_0]
floats: [1.5, -1e3, .5, .inf, -.Inf, .NaN, 6.02e23]
words: [true, False, null, ~, yes, "no", 'it''s', plain text]
escapes: "tab\\t nul\\0 \\x41 \\u00e9 \\U0001F600 \\"q\\" \\
  joined"
unicode: {κλειδί: τιμή, 日本: 語, emoji: 👩‍🚀}
dates: [2024-02-29, 2024-02-29T12:30:45.5+02:00, 2001-12-14 21:59:43.10 -5]
literal: |
  first
    indented
  last

folded: >-
  one
  two

  three
    kept

keep: |+
  end

? [complex, key]
: value
? |
  block key
: - nested
  - - deeper
`));
show("tags", yaml.load("bin: !!binary |\n  w6nDqQ==\n  AP8=\nset: !!set {a, b}\nomap: !!omap [x: 1, y: 2]\npairs: !!pairs [x: 1, x: 2]\nstr: !!str 12\nint: !!int '7'\nfloat: !!float 3\nseq: !!seq [a]\n"));
const linked = yaml.load("base: &base {a: 1, l: &l [x, y]}\nother: &other {b: 2}\nderived:\n  <<: [*base, *other]\n  a: 3\nsame: *l\n");
show("anchors", [linked, linked.same === linked.base.l]);
show("documents", yaml.loadAll("%YAML 1.2\n---\na: 1\n...\n---\n- b\n--- |\n text\n---\n# nothing\n"));
show("schemas", [yaml.FAILSAFE_SCHEMA, yaml.JSON_SCHEMA, yaml.CORE_SCHEMA, yaml.DEFAULT_SCHEMA].map((schema) => yaml.load("[1, 0x1F, TRUE, ~, 2024-01-01, 1.0]", { schema })));
show("json", yaml.load('{"a": [1, 2.5e1, true, null, "\\ud83d\\ude00 \\/"], "b": {"c": {}}}'));

// Types of our own.
class Point { constructor(x, y) { this.x = x; this.y = y; } }
const schema = yaml.DEFAULT_SCHEMA.extend([
  new yaml.Type("!point", { kind: "sequence", resolve: (d) => d.length === 2, construct: ([x, y]) => new Point(x, y), instanceOf: Point, represent: (p) => [p.x, p.y] }),
  new yaml.Type("!shout", { kind: "scalar", construct: (text) => text.toUpperCase() + "!" }),
  new yaml.Type("!", { kind: "mapping", multi: true, construct: (d, tag) => ({ tag, ...d }) }),
]);
const typed = yaml.load("p: !point [1, -2]\ns: !shout straße\nm: !anything {k: v}\n", { schema });
show("types", [typed, typed.p instanceof Point, yaml.dump({ at: new Point(3, 4) }, { schema })]);

// Dumping, and what comes back.
const value = {
  text: ["plain", "", " lead", "trail ", "yes", "null", "12", "1e3", "- dash", "a: b", "# no", "multi\nline\n", "long ".repeat(30).trim(), "é\u0007\u2028", "😀", "'q'", "@at", "\t", "0o7", "2024-01-01"],
  nested: { list: [[1, [2, []]], {}], "key: odd": null, "": 0, multi: { "a\nb": true } },
  numbers: [0, -0, 1.25, 1e21, NaN, -Infinity, 0.1],
  date: new Date(Date.UTC(2024, 1, 29, 1, 2, 3, 4)),
  bytes: new Uint8Array([0, 255, 195, 169]),
};
value.again = value.nested.list;
for (const options of [{}, { flowLevel: 1, indent: 4 }, { noRefs: true, sortKeys: true, lineWidth: 40, noArrayIndent: true }, { forceQuotes: true, quotingType: '"', condenseFlow: true, styles: { "!!null": "canonical", "!!int": "hexadecimal", "!!float": "uppercase" } }]) {
  const text = yaml.dump(value, options);
  show("dump", text);
  show("same again", yaml.dump(yaml.load(text), options) === text);
}
const ring = { name: "ring" };
ring.self = ring;
show("cycle", [yaml.dump(ring), yaml.load(yaml.dump(ring)).self.self.name]);

// A document of some 300 kB, there and back.
const big = Array.from({ length: 3000 }, (_, i) => ({ id: i, name: `Nr ${i} é`, tags: ["a" + (i % 5), i % 2 ? null : true], pos: { lat: i / 8, text: "x\ny".repeat(i % 3) } }));
const bigText = yaml.dump(big);
show("big", [bigText.length, JSON.stringify(yaml.load(bigText)) === JSON.stringify(big)]);

for (const text of ["a: b: c", "[1, 2", "a: 1\na: 2", "{a: 1,, b}", "\"open", "- a\n b: *nope", "a:\n\t- tab", "%YAML 3.0\n---\n", "!unknown x", "key: |\n   a\n  b\n c", "é: 'ü\n--- ", "a: &x 1\nb: &x", "--- a\n--- b", "\u0001", "!!int x", "x: !!binary '*'"]) {
  try {
    show("accepted", [text, yaml.load(text)]);
  } catch (error) {
    show("refused", [text, error.name, error.reason, error.message.split("\n"), error.mark && [error.mark.line, error.mark.column]]);
  }
}
for (const bad of [() => {}, { f: () => {} }, undefined, Symbol("s")]) {
  try {
    show("dumped", yaml.dump(bad));
  } catch (error) {
    show("refused", error.message);
  }
}
show("skipInvalid", yaml.dump({ f: () => {}, ok: 1, u: undefined }, { skipInvalid: true }));
const warnings = [];
show("json mode", [yaml.load("a: 1\na: 2", { json: true }), yaml.load("x", { onWarning: (w) => warnings.push(w.message) }), warnings]);
