const _ = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));

show("version", _.VERSION);

// Collections, with enough rows that the cached and hashed paths are taken.
const rows = _.times(20000, (i) => ({ id: i, city: ["Oslo", "Łódź", "東京", "São Paulo"][(i * 7) % 4], n: (i * 7919) % 1009 }));
show("groupBy", _(rows).groupBy("city").mapValues((g) => ({ size: g.length, sum: _.sumBy(g, "n"), max: _.maxBy(g, "n").id })).value());
show("orderBy", _.map(_.take(_.orderBy(rows, ["n", "id"], ["desc", "asc"]), 5), (r) => [r.n, r.id]));
show("lazy chain", _(rows).filter((r) => r.n % 2).map("id").reverse().take(6).value());
show("uniq", [_.uniq(_.map(rows, "n")).length, _.uniqBy(rows, "city").length, _.difference(_.range(2000), _.map(rows, "n")).length]);
show("partition", _.partition(_.range(12), (n) => n % 3 === 0));
show("zip", [_.zip(["a", "b"], [1, 2], [true]), _.unzipWith([[1, 10], [2, 20]], _.add), _.zipObjectDeep(["a.b[0]", "a.b[1].c"], [1, 2])]);
show("sets", [_.xor([1, 2], [2, 3]), _.intersectionBy([1.2, 2.7], [1.9, 3], Math.floor), _.unionWith([{ x: 1 }], [{ x: 1 }, { x: 2 }], _.isEqual)]);
show("sorted", [_.sortedIndex([10, 20, 30], 25), _.sortedUniq([1, 1, 2, 3, 3]), _.sortBy([{ a: undefined }, { a: 3 }, { a: null }, { a: 1 }, { a: NaN }], "a")]);

// Objects, paths, cycles and the structured types.
const object = { a: [{ b: { c: 3 } }], "x.y": 1, z: new Map([["k", new Set([1, { deep: [1, 2] }])]]), d: new Date(0), r: /ab+/gi };
object.self = object;
const copy = _.cloneDeep(object);
show("cloneDeep", [copy !== object, copy.self === copy, _.isEqual(object, copy), copy.z.get("k") !== object.z.get("k"), String(copy.r), copy.d.toISOString()]);
show("paths", [_.get(object, "a[0].b.c"), _.get(object, ["x.y"]), _.get(object, "a[1].b", "none"), _.has(object, "a[0].b"), _.toPath("a[0]['b.c'].d")]);
show("set", _.set(_.update({}, "n[2].v", (v) => (v || 0) + 1), "n[0]", "first"));
show("merge", _.mergeWith({ l: [1], o: { a: 1, u: 2 } }, { l: [2], o: { a: undefined, b: [3] } }, (x, y) => (_.isArray(x) ? x.concat(y) : undefined)));
show("pick", [_.omit({ a: 1, b: { c: 2, d: 3 } }, ["b.c"]), _.pickBy({ a: 0, b: "", c: "x" }), _.invertBy({ a: 1, b: 1, c: 2 }), _.defaultsDeep({ a: { b: 1 } }, { a: { b: 2, c: 3 } })]);
show("is", [_.isEqual(new Float32Array([1, 2]), new Float32Array([1, 2])), _.isPlainObject(Object.create(null)), _.isEqual([NaN, -0], [NaN, 0]), _.isArguments((function () { return arguments; })()), _.isEmpty(new Set()), _.isMatch({ a: { b: 1, c: 2 } }, { a: { b: 1 } })]);

// Text, with combining marks, astral characters and joined emoji.
show("case", [_.camelCase("--foo-bar été 2nd"), _.kebabCase("XMLHttpRequest"), _.snakeCase("déjà Vu"), _.startCase("fooBar_baz"), _.upperFirst("éa")]);
show("unicode", [_.deburr("Čeština Ångström ß"), _.toArray("a👨‍👩‍👧é🇳🇴"), _.size("👍🏽x"), _.words("l'été, 12.5 ÀÉ fooBar"), _.padStart("日本", 5, "*-"), _.truncate("ab👨‍👩‍👧 cd ef", { length: 8, separator: " " })]);
show("escape", [_.escape("<a href='x'>&\"</a>"), _.unescape("&lt;&amp;&#39;&gt;"), _.escapeRegExp("[a](b)*"), _.trim("\u00a0\ufeff -x- ", " -\u00a0\ufeff")]);
const page = _.template("<ul><% _.forEach(items, function (i) { %><li><%- i.name %>:<%= i.tags.join('|') %></li><% }); %></ul>${ total }", { imports: { _ } });
show("template", page({ items: [{ name: "<é>", tags: ["a", "b"] }, { name: "&", tags: [] }], total: 2 }));

// Functions and failures.
const calls = [];
const slow = _.memoize((a, b) => calls.push([a, b]), (a, b) => a + "/" + b);
slow(1, 2); slow(1, 2); slow(2, 1);
show("functions", [calls, _.curry((a, b, c) => a + b + c)(1)(_, 3)(2), _.flow([_.add, (n) => n * n])(1, 2), _.map(["6", "08", "10"], _.unary(parseInt)), _.partialRight((a, b) => a + b, "!")("hi"), _.overArgs((a, b) => [a, b], [(n) => n * 2, _.negate(Boolean)])(4, 0)]);
for (const failing of [() => _.debounce("no"), () => _.memoize(1), () => _.flow(1), () => _.template("<% if (%>")]) {
  const error = _.attempt(failing);
  // A SyntaxError's text belongs to the engine; only its kind is compared.
  show("error", [_.isError(error), error.name, error.name === "SyntaxError" ? "" : error.message]);
}
