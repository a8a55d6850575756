const jsonata = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));

const data = {
  account: "Ærlig & Sønner",
  orders: [
    { id: "o1", at: "2024-02-29T10:00:00.000Z", lines: [{ sku: "茶", price: 3.5, qty: 2, tags: ["hot", "drink"] }, { sku: "Hat", price: 20, qty: 1, size: { w: 10, h: 4 } }] },
    { id: "o2", at: "2023-12-31T23:59:59.999Z", lines: [{ sku: "Hat", price: 19, qty: 3, tags: "wear" }, { sku: "☕ cup", price: 7.25, qty: 4 }] },
  ],
};
const queries = [
  "orders.lines.sku", "orders[1].lines[-1].sku", "orders.lines[price > 5 and qty >= 3].{'what': sku, 'cost': price * qty}", "orders.lines.(price * qty) ~> $sum()",
  "orders.lines{sku: $sum($.(price * qty))}", "orders.lines^(>price, sku).sku", "orders#$i.lines@$l.{'order': $i, 'id': id, 'sku': $l.sku}", "orders.lines.tags[]", "**.w", "*.lines.size.*", "orders.lines.%.id", "orders.lines[sku in ['Hat', '茶']].qty",
  "$.orders.lines.(sku & ':' & $string(qty))", "orders[lines[sku = '茶']].id", "orders ~> |lines|{'total': price * qty}, ['tags', 'size']|", "$each(orders[0].lines[1], function($v, $k) { $k & '=' & $string($v) })",
  "$map(orders.lines, function($l, $i, $a) { $i & '/' & $count($a) & $l.sku })", "$filter([1..20], function($n) { $n % 7 = 0 })", "$reduce([1..10], function($a, $b) { $a * $b })", "$sort(orders.lines, function($a, $b) { $a.price < $b.price }).price", "$zip([1, 2], ['a', 'b'], [true, false])", "$distinct(orders.lines.sku)", "$single([1, 2, 3], function($n) { $n > 2 })", "$sift({'a': 1, 'b': 2}, function($v) { $v > 1 })", "$merge([{'a': 1}, {'b': 2}, {'a': 3}])", "$spread({'x': 1, 'y': 2})", "$lookup(orders, 'id')",
  "($fact := function($n) { $n <= 1 ? 1 : $n * $fact($n - 1) }; $fact(20))", "($even := function($n) { $n = 0 ? true : $odd($n - 1) }; $odd := function($n) { $n = 0 ? false : $even($n - 1) }; $even(500))", "($add := function($a, $b) { $a + $b }; $inc := $add(?, 1); [1, 2] ~> $map($inc))", "($compose := $uppercase ~> $trim; $compose('  straße '))", "($y := function($f) { function($x) { $x($x) }(function($g) { $f(function($a) { $g($g)($a) }) }) }; $y(function($f) { function($n) { $n < 2 ? $n : $f($n - 1) + $f($n - 2) } })(12))",
  "$match('ab12cd345', /[a-z]+(\\d+)/)", "$replace('John Smith', /(\\w+)\\s(\\w+)/, '$2, $1 $$')", "$replace('äbc', /[a-c]/, function($m) { $uppercase($m.match) & '!' })", "$split('a, b;c', /[,;]\\s*/)", "$contains('ÆRLIG', /ærlig/i)", "$pad('日本', -6, '#') & $pad('x', 4, 'ab')", "$substringBefore(account, ' &') & '|' & $substringAfter(account, '& ') & '|' & $substring('👩x😀y', 1, 2)", "$length('👩‍🚀é')", "$join(orders.id, ' → ')", "$encodeUrlComponent('æ ø?') & $decodeUrl('%E2%98%95%20x')", "$eval('[1, 2, $sum([3, 4])]')",
  "$formatNumber(-1234567.891, '#,##0.00;(#,##0.00)')", "$formatNumber(0.0034, '0.0e0') & ' ' & $formatNumber(0.14, '01%')", "$formatBase(255, 2) & $formatBase(-255, 16)", "$formatInteger(1999, 'I') & ' ' & $formatInteger(2789, 'w') & ' ' & $formatInteger(42, 'w;o') & ' ' & $formatInteger(28, 'a')", "$parseInteger('MCMXCIX', 'I') + $parseInteger('twelve thousand, four hundred and seventy-six', 'w')", "$round(2.5) & $round(3.5) & $round(-2.675, 2) & $string(10 / 4) & $power(2, 10) & $sqrt(16)", "[$number('0x1F'), $number('-1.5e3'), 7 % 3, -$abs(-2), $floor(-1.5), $ceil(1.2), $max([1, 5]), $average([1, 2, 4])]",
  "orders.$toMillis(at)", "$fromMillis(1709200800000, '[Y0001]-[M01]-[D01] [FNn], [D1o] of [MNn] [h#1]:[m01][P] week [W]', '+0530')", "$toMillis('13/05/2018 14h', '[D]/[M]/[Y] [H]h')", "$fromMillis(0)", "$type(null) & $type(function(){1}) & $type([]) & $boolean([0, ''])", "missing.deep[0]", "missing ? 'yes' : 'no'", "[missing, null, []]", "$string({'a': [1, {'b': null}]}, true)", "$keys(orders[0])", "/* note */ `account`", "$exists(orders.nope) or $not(false)", "[1..3, 9, [7..5]]", "'\\u00e9\\n\\\"' & \"'\"", "orders.lines.tags ~> $append(['z']) ~> $reverse()", "$bound(account) & $host.name",
];
const broken = ["orders[", "1 + 'a'", "$sum('x')", "$unknown(1)", "'open", "{'a': 1, 'a': 2}", "$toMillis('soon')", "$error('own ' & account)", "$assert(1 = 2, 'never')", "$number('ten')", "[1..'b']", "/a", "a := 1", "function($x) { $x }(1", "$single([1, 2])", "$formatNumber(1, '0.0.0')", "$substring(1)", "-'x'", "@", "$match('a', /(/)", "1 / 0", "$string(1 / 0)", "$filter([1], 5)", "$sort([1, 'a'])"];

async function main() {
  for (const query of queries) {
    const expression = jsonata(query);
    expression.registerFunction("bound", (text) => text.length + 1, "<s:n>");
    show(query, await expression.evaluate(data, { host: { name: "høst" } }));
  }
  for (const query of broken) {
    try {
      show("value " + query, await jsonata(query).evaluate(data));
    } catch (error) {
      // A bad regular expression is the engine's own SyntaxError.
      show("refused " + query, error.code ? [error.code, error.position, error.token, error.value, error.message] : error.name);
    }
  }
  show("ast", jsonata("a.b[c = 1]{d: $sum(e)}^(<f)").ast());
  const many = { rows: Array.from({ length: 5000 }, (_, i) => ({ g: "g" + (i % 7), v: (i * 7919) % 1009 })) };
  show("many", await jsonata("rows[v % 2 = 0]{g: {'n': $count(v), 'sum': $sum(v), 'top': $max(v)}}").evaluate(many));
  const slow = jsonata("$later(20) + 1");
  slow.assign("later", (n) => Promise.resolve(n).then((m) => m * 2));
  show("promised", await Promise.all([slow.evaluate({}), jsonata("a").evaluate(Promise.resolve({ a: 1 }).then((x) => x) && { a: 2 })]));
}
main().then(() => show("finished", true));
