const Papa = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
const parse = (text, options) => {
  const { data, errors, meta } = Papa.parse(text, options);
  return [data, errors, { delimiter: meta.delimiter, linebreak: meta.linebreak, fields: meta.fields, renamed: meta.renamedHeaders, aborted: meta.aborted, truncated: meta.truncated, cursor: meta.cursor }];
};

// Quoting, line ends and what is guessed.
show("plain", parse("a,b,c\n1,2,3\n"));
show("quotes", parse('"a ""q"" ,b","line\none",\'single\'\r\n"é😀", "lead",""\r\n'));
show("mac", parse("a\tb\rc\td\r"));
for (const delimiter of [",", "\t", "|", ";", "\u001e", "\u001f"]) show("guess", [delimiter, Papa.parse(["x", "y", "z"].join(delimiter) + "\n" + ["1", "2,5", "3"].map((v) => `"${v}"`).join(delimiter)).meta.delimiter]);
show("long delimiter", parse("a::b::\"c::d\"\ne::f::g", { delimiter: "::" }));
show("own quotes", parse("'a,''b',c\n~skip me\n'd\n',e", { quoteChar: "'", comments: "~" }));
show("escape char", parse('"a\\"b",c', { escapeChar: "\\" }));
show("mark", parse("\ufeffnavn,år\nZoë,1999", { header: true }));
show("no quotes", parse('a"b,c"d\ne,"f"', { quoteChar: null }));

// Headers, types and transformation.
const people = "name, born ,score,ok,at,nick\nZoë,1999,1.50,TRUE,2024-02-29T01:02:03Z,x\n李,-5e3,,false,,y\n\n  ,0x10,Infinity,True,n/a,z\n";
show("header", parse(people, { header: true, skipEmptyLines: true }));
show("typed", parse(people, { header: true, dynamicTyping: true, skipEmptyLines: "greedy", transformHeader: (h, i) => h.trim() + i }));
show("typed some", parse("a,b\n1,1\n007,9007199254740993", { header: true, dynamicTyping: (field) => field === "b" }));
show("transform", parse("a,b\nx,y", { header: true, transform: (value, column) => column + ":" + value.toUpperCase() }));
show("preview", parse("1\n2\n3\n4", { preview: 2 }));
show("skip first", parse("junk\nalso junk\na,b\n1,2", { skipFirstNLines: 2, header: true }));
show("first chunk", parse("a,b\n1,2", { beforeFirstChunk: (chunk) => "top\n" + chunk }));

// Rows one at a time, stopping half way.
const steps = [];
let finished = null;
Papa.parse("n,v\n1,a\n2,b\n3,c\n4,d", {
  header: true,
  step(results, parser) {
    steps.push([results.data, results.meta.cursor]);
    if (results.data.n === "3") parser.abort();
  },
  complete: (results) => { finished = results && results.meta.aborted; },
});
show("steps", [steps, finished]);
const chunks = [];
Papa.parse("é,1\n".repeat(50), { chunkSize: 64, chunk: (results) => { chunks.push([results.data.length, results.meta.cursor]); }, complete: () => chunks.push("done") });
show("chunks", chunks);

// Malformed input is reported and still read.
show("unclosed", parse('a,b\n"open,1\n2,3'));
show("trailing", parse('a,"b"x,c\n"d" ,e'));
show("ragged", parse("a,b\n1\n1,2,3\n", { header: true }));
show("empty", [parse(""), parse("\n\n"), parse(",,\n")]);

// Writing, and reading back what was written.
const odd = [["plain", "com,ma", 'quo"te', "line\r\nbreak", " lead", "trail "], [null, undefined, 0, false, NaN, -0], ["=SUM(A1)", "+1", "-2", "@x", "\tq", "é😀"], [new Date(Date.UTC(2024, 1, 29)), { a: 1 }, [1, 2], "", "\ufeff", "ok"]];
const written = Papa.unparse(odd);
show("unparse", written);
show("read back", Papa.parse(written).data);
show("options", [Papa.unparse(odd, { quotes: true, delimiter: ";", newline: "\n" }), Papa.unparse(odd.slice(2, 3), { escapeFormulae: true }), Papa.unparse(odd, { quotes: (value) => typeof value === "number", quoteChar: "'", escapeChar: "\\" }), Papa.unparse([["", " "], ["a"]], { skipEmptyLines: "greedy" })]);
show("objects", [Papa.unparse([{ a: 1, b: 2 }, { b: 3, c: 4 }]), Papa.unparse([{ a: 1, b: 2 }], { columns: ["b", "zz"], header: false }), Papa.unparse({ fields: ["x", "y"], data: [[1, 2], { x: 3, y: "é" }] }), Papa.unparse('[{"j": "son"}]')]);

// Some 15 000 rows, quoted and not, there and back.
for (const quotes of [false, true]) {
  const rows = Array.from({ length: 15000 }, (_, i) => ({ id: i, name: "Nr " + ((i * 7919) % 1009) + (i % 3 ? "" : ", é"), ratio: i / 8 }));
  const csv = Papa.unparse(rows, { quotes });
  const back = Papa.parse(csv, { header: true, dynamicTyping: true });
  show("large", [csv.length, back.data.length, back.errors, JSON.stringify(back.data) === JSON.stringify(rows), back.data[14999]]);
}

for (const failing of [() => Papa.unparse(5), () => Papa.unparse("[1"), () => Papa.unparse([[1]], { escapeFormulae: "x", columns: [] }), () => Papa.unparse([{ a: 1 }], { columns: [] }), () => Papa.parse("a", { comments: "," , delimiter: "," }), () => Papa.parse("a,b", { step: () => { throw new RangeError("own"); } })]) {
  try {
    show("accepted", failing());
  } catch (error) {
    // A SyntaxError's text belongs to the engine; only its kind is compared.
    show("refused", [error.name, error.name === "SyntaxError" ? "" : error.message]);
  }
}
