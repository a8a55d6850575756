import { Document, isMap, parse, parseAllDocuments, parseDocument, stringify, visit } from "yaml";
const text = `# head
base: &base { a: 1, b: [x, "y", 'z'] }
other:
  <<: *base
  date: 2001-12-14t21:59:43.10-05:00
  text: |
    two
    lines
  folded: >-
    one
    line
  bin: !!binary aGVsbG8=
  n: [0x1f, 0o17, 1_000, .inf, -.5, ~, yes]
? complex
: !custom 5
`;
const replacer = (key, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value instanceof Uint8Array ? [...value] : value);
console.log(JSON.stringify(parse(text, { merge: true, logLevel: "silent" }), replacer));
const doc = parseDocument("a: 1 # one\nb:\n  - 2\n");
doc.setIn(["b", 1], { c: "x: y" });
console.log(String(doc) + isMap(doc.contents));
console.log(stringify({ list: [1, "two", null, true], long: "word ".repeat(30), "key: odd": "- dash", date: new Date(0), map: new Map([[[1], 2]]) }));
console.log(JSON.stringify(parseAllDocuments("a\n---\nb: [1,\n...\n").map((one) => one.errors.map((error) => [error.code, error.linePos]))));
let scalars = 0; visit(new Document({ a: [1, { b: 2 }] }), { Scalar: () => { scalars++ } });
console.log(String(scalars));
