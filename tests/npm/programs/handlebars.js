const Handlebars = module.exports.create();
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
const render = (source, data, options) => Handlebars.compile(source, options)(data);

show("version", Handlebars.VERSION);

// Values, paths and escaping.
const person = { name: "Zoë <b>", tags: ["a&b", "'c'", "\"d\"", "`e=`"], "odd key": { 0: "zero" }, none: null, zero: 0, no: false };
show("escape", render("{{name}} {{{name}}} {{&name}} {{#each tags}}{{this}} {{/each}}", person));
show("paths", render("{{[odd key].[0]}} {{tags.[1]}} {{tags.length}} [{{none}}] [{{missing.deep}}] {{zero}} {{no}} \\{{raw}}", person));
show("noEscape", render("{{name}}", person, { noEscape: true }));
show("comments", render("a{{! gone }}b{{!-- {{gone}} --}}c\n  {{~ name ~}}  \nd", person));

// Blocks, their data and their inverses.
const shop = { title: "買い物", items: [{ n: "茶", p: 3 }, { n: "☕", p: 4.5 }], map: { x: { v: 1 }, y: { v: 2 } }, empty: [] };
show("each", render("{{#each items as |item i|}}{{@first}}/{{@last}}:{{i}}={{item.n}}@{{../title}};{{/each}}{{#each map}}{{@key}}->{{v}} {{/each}}{{#each empty}}x{{else}}nothing{{/each}}", shop));
show("if", render("{{#if items}}yes{{/if}}{{#if empty}}no{{else if map.x}}else-if{{else}}else{{/if}}{{#unless no}} unless{{/unless}}{{#if zero includeZero=true}}z{{/if}}", { ...shop, zero: 0 }));
show("with", render("{{#with map.x as |x|}}{{x.v}}{{@root.title}}{{else}}none{{/with}}{{lookup (lookup map 'y') 'v'}}{{^nope}}inverse{{/nope}}", shop));
show("nesting", render("{{#each rows}}{{#each this}}{{@../index}}.{{@index}}={{this}} {{/each}}|{{/each}}", { rows: [[1, 2], [3]] }));

// Helpers, sub-expressions, hashes and safe strings.
Handlebars.registerHelper({
  join: (list, options) => list.join(options.hash.sep ?? ","),
  upper: (text) => String(text).toUpperCase(),
  link: (text, options) => new Handlebars.SafeString(`<a href="${Handlebars.escapeExpression(options.hash.href)}">${text}</a>`),
  repeat(n, options) {
    let out = "";
    for (let i = 0; i < n; i++) out += options.fn(this, { data: { ...options.data, turn: i }, blockParams: [i] });
    return out || options.inverse(this);
  },
  helperMissing: (...args) => "missing:" + args.pop().name + "(" + args.join("+") + ")",
});
show("helpers", render("{{join tags sep=(upper ' x ')}} {{link 'é' href='/?a=\"1\"&b'}} {{#repeat 3 as |i|}}{{i}}{{@turn}}{{name}} {{/repeat}}{{#repeat 0}}{{else}}never{{/repeat}} {{unknown 1 'two'}}", { tags: ["p", "q"], name: "n" }));
Handlebars.registerHelper("array", (...args) => args.slice(0, -1));
show("literals", render("{{#each (array 1 -2.5 true null undefined 'é')}}[{{this}}]{{/each}}", {}));

// Partials: static, dynamic, with blocks, parameters and recursion.
Handlebars.registerPartial("node", "<{{name}}{{#if kids}}>{{#each kids}}{{> node}}{{/each}}</{{name}}>{{else}}/>{{/if}}");
Handlebars.registerPartial("layout", "<h1>{{title}}</h1>\n  {{> @partial-block }}\n[{{> footer note='n' }}]");
Handlebars.registerPartial("footer", "foot {{note}} {{title}}");
show("recursive", render("{{> node}}", { name: "a", kids: [{ name: "b", kids: [{ name: "ç" }] }, { name: "d" }] }));
show("layout", render("{{#> layout title='T'}}body {{title}}{{/layout}} {{> (pick) }} {{#> absent}}fallback{{/absent}}{{#*inline 'in'}}inline {{x}}{{/inline}}{{> in x=1}}", { title: "t", pick: () => "footer" }));
Handlebars.registerPartial("lines", "one\ntwo {{x}}\n");
show("indent", [render("<ul>\n  {{> lines}}\n</ul>", { x: 1 }), render("<ul>\n  {{> lines}}\n</ul>", { x: 1 }, { preventIndent: true })]);
Handlebars.registerDecorator("tagged", (fn, props, container, options) => (...args) => `<${options.args[0]}>${fn(...args)}`);
show("decorator", render("{{#each list}}{{* tagged 'i'}}{{this}}{{/each}}", { list: [1, 2] }));

// The compiler's outputs: syntax tree, source text and a precompiled template.
show("ast", Handlebars.parse("{{#if a.b}}x{{else}}{{> p c=1}}{{/if}}"));
const precompiled = Handlebars.precompile("{{#each list}}{{upper this}}{{/each}}!");
show("precompiled", precompiled.split("\n"));
show("template", Handlebars.template(new Function("return " + precompiled)())({ list: ["ß", "ǆ"] }));

// A page of some size.
const big = { rows: Array.from({ length: 3000 }, (_, i) => ({ id: i, cells: [i % 7, `<${i}>`, "é".repeat(i % 3)] })) };
const html = render("<table>{{#each rows}}<tr id=r{{id}}>{{#each cells}}<td class={{@../index}}>{{this}}</td>{{/each}}</tr>{{/each}}</table>", big);
show("page", [html.length, html.slice(0, 120), html.slice(-60)]);

// Failures come from the library, with line and column.
Handlebars.unregisterHelper("helperMissing");
for (const [source, options] of [["{{#if a}}x"], ["a\n{{#if a}}{{/each}}"], ["{{a b=}}"], ["{{> gone}}"], ["{{#each}}{{/each}}"], ["{{a.b}}", { strict: true, assumeObjects: false }], ["{{x.y}} {{lost}}", { strict: true }], ["{{../a/../b}}"], ["{{#if 1 2 3}}{{/if}}"], ["{{x.y \"unclosed}}"]]) {
  try {
    show("rendered", [source, render(source, { x: { y: 1 } }, options)]);
  } catch (error) {
    show("refused", [source, error.message.split("\n"), error.lineNumber, error.column]);
  }
}
