import Mustache from "mustache";
const view = { name: "<Ann & Bob>", items: [{ n: 1 }, { n: 2, last: true }], empty: [], nested: { deep: { value: 3 } }, bold: () => (text, render) => "*" + render(text) + "*", when: () => 5 };
console.log(Mustache.render("{{name}} {{{name}}} {{&name}} {{#items}}{{n}}{{^last}}, {{/last}}{{/items}} {{^empty}}none{{/empty}} {{nested.deep.value}} {{when}}", view));
console.log(Mustache.render("{{#bold}}x {{nested.deep.value}}{{/bold}} {{! comment }}{{> part}}", view, { part: "[{{#items}}{{.}}{{n}};{{/items}}]" }));
console.log(Mustache.render("{{=<% %>=}}<% name %> {{kept}}", view));
console.log(JSON.stringify(Mustache.parse("a {{b}} {{#c}}d{{/c}}")));
try { Mustache.render("{{#a}} {{/b}}", view) } catch (error) { console.log(error.message) }
