const { List, Map, OrderedMap, Set, OrderedSet, Stack, Record, Seq, Range, Repeat, Collection, fromJS, is, hash, merge, getIn, isKeyed, version } = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
const text = (...values) => values.map(String);

show("version", version);

// Lists big enough for several levels of the tree.
let list = Range(0, 40000).toList();
list = list.set(1234, -1).delete(0).insert(20000, "mid").push("end").unshift("start");
show("list", [list.size, list.get(1234), list.get(20001), list.first(), list.last(), list.get(-2), list.indexOf("mid")]);
show("slices", text(list.slice(3, 8), list.takeLast(3), list.setSize(4), list.filter((v) => v % 9973 === 0), List([3, 1, 2]).sort(), List([1, , 3]).map((v) => v ?? "gap")));
show("sums", [list.filter((v) => typeof v === "number").reduce((a, b) => a + b), list.skipUntil((v) => v === "mid").size, list.countBy((v) => typeof v).toJS()]);
const persistent = List([1, 2, 3]);
show("persistent", text(persistent.splice(1, 1, "x", "y"), persistent.zipWith((a, b) => a * b, List([4, 5])), persistent.interleave(List("abc")), persistent.flatMap((v) => Repeat(v, v)), persistent));

// Maps: many keys, colliding hashes, odd keys, order of insertion.
let map = Map().withMutations((m) => { for (let i = 0; i < 20000; i++) m.set("k" + i, i * i); });
for (let i = 0; i < 20000; i += 3) map = map.remove("k" + i);
show("map", [map.size, map.get("k10001"), map.get("k9999"), map.has("k0"), map.reduce((a, v) => (a + v) % 1000003, 0)]);
show("map order", map.keySeq().take(12).toArray());
show("collisions", [hash("Aa") === hash("BB"), Map({ Aa: 1, BB: 2, C: 3 }).delete("Aa").toJS(), hash("日本語 é"), hash(1.5), hash(true), hash(null), hash(List([1, "a"])), hash(Map({ a: 1 })), hash(2 ** 40)]);
show("keys", text(Map([[NaN, "nan"], [-0, "zero"], [List([1]), "list"], [null, "null"], ["1", "text"], [1, "number"]]).update(List([1]), (v) => v + "!").set(0, "0"), Map([[NaN, 1]]).get(NaN)));
show("ordered", text(OrderedMap({ z: 1, a: 2 }).set("m", 3).delete("z").set("z", 4), OrderedSet(["b", "a", "b"]).add("c").map((v) => v.toUpperCase()), Map({ b: 2, a: 1 }).sortBy((v) => v), Map({ a: 1 }).mapKeys((k) => "é" + k).flip()));
show("sets", text(Set([3, 1, 2, 3]).union([9], [8]).subtract([1]).sort(), Set.intersect([[1, 2, 3], [2, 3, 4]]), Set([List([1])]).has(List([1])), Set([1, 2]).isSubset([1, 2, 3]), Stack([1, 2]).push(0).pop().peek()));

// Nested data.
const state = fromJS({ users: [{ name: "Zoë", tags: ["a"], at: { x: 1 } }, { name: "李", tags: [] }], on: true }, (key, value) => (isKeyed(value) ? value.toOrderedMap() : value.toList()));
const next = state.setIn(["users", 1, "at", "x"], 5).updateIn(["users", 0, "tags"], (t) => t.push("b")).deleteIn(["on"]).mergeDeep({ users: ["é"], more: { at: 2 } });
show("nested", [next, state, next.getIn(["users", 0, "at"]) === state.getIn(["users", 0, "at"]), next.getIn(["users", 9, "x"], "none"), getIn({ a: [{ b: 7 }] }, ["a", 0, "b"])]);
show("merge", [merge({ a: 1 }, { b: 2 }), Map({ a: List([1]), b: 1 }).mergeWith((x, y) => x + y, { b: 4, c: 5 }), Map({ a: Map({ l: List([1]) }) }).mergeDeepWith((x, y) => [x, y], { a: { l: [2], m: 3 } })]);
show("group", [List(["apple", "avocado", "berry", "épée"]).groupBy((w) => w[0]).map((g) => g.toList()), List(["x1", "y22"]).partition((w) => w.length > 2).map(String)]);
show("equal", [is(fromJS({ a: [1, { b: NaN }] }), fromJS({ a: [1, { b: NaN }] })), is(Set([1, 2]), Set([2, 1])), is(List([1, 2]), List([2, 1])), is(0, -0), Map({ a: 1 }).equals(OrderedMap({ a: 1 }))]);

// Lazy sequences and records.
let touched = 0;
const lazy = Seq(Range(1, Infinity)).filter((n) => n % 2).map((n) => { touched++; return n * n; }).skip(2).take(5);
show("lazy", [touched, lazy.toArray(), touched, lazy.cacheResult().sum?.() ?? lazy.reduce((a, b) => a + b), String(Range(10, 0, 3)), Seq({ a: 1, b: 2 }).reverse().mapEntries(([k, v]) => [v, k]).toObject()]);
class Person extends Record({ name: "nobody", age: 0, tags: List() }, "Person") {
  get label() { return this.name + "/" + this.age; }
}
const person = new Person({ name: "Åse", extra: 1 }).set("age", 41).update("tags", (t) => t.push("x"));
show("record", [person, String(person), person.label, person.remove("age").age, person.equals(new Person({ name: "Åse", age: 41, tags: List(["x"]) })), person.toSeq().keySeq().toArray(), person.has("extra")]);
show("iteration", [[...Map({ a: 1 }).entries()], [...List("né😀")], Array.from(Set([1]).values()), Collection([5, 6]).entrySeq().toArray(), List([1, 2, 3]).join("–"), List([4, 9, 2]).maxBy((v) => -v), List([1, 2, 3, 4]).sortBy((v) => v % 2).toJS(), Map({ a: Map({ b: 1 }) }).toJS(), List([List([1, List([2])])]).flatten().toJS()]);

for (const failing of [() => Map([1]), () => Map({ a: 1 }).setIn(["a", "b"], 2), () => new Person().set("nope", 1), () => Range(0, 5, 0), () => List().reduce((a) => a), () => Map(5), () => fromJS({ a: 1 }).getIn(5), () => List(7), () => Record({ a: 1 })().setIn(["b"], 2)]) {
  try {
    show("accepted", String(failing()));
  } catch (error) {
    show("refused", [error.name, error.message]);
  }
}
