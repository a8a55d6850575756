import { buildSchema, execute, graphql, introspectionFromSchema, parse, print, validate } from "graphql";
const schema = buildSchema(`
  "What is sold."
  type Item { id: ID!, price: Float!, tags(first: Int = 2): [String!]! , similar: [Item!] }
  input Filter { below: Float, tag: String }
  enum Sort { PRICE ID }
  type Query { items(filter: Filter, sort: Sort = ID): [Item!]!, fails: String, later: Int }
  type Mutation { add(id: ID!, price: Float!): Item }
`);
const items = [{ id: "b", price: 3.5, tags: () => ["x", "y"] }, { id: "a", price: 9, tags: ({ first }) => ["z", "x", "w"].slice(0, first) }];
items[0].similar = () => [items[1]];
const root = {
  items: ({ filter, sort }) => items.filter((item) => item.price < (filter?.below ?? Infinity)).sort((a, b) => (sort === "PRICE" ? a.price - b.price : a.id < b.id ? -1 : 1)),
  fails: () => { throw new Error("on purpose") },
  later: () => new Promise((resolve) => setTimeout(resolve, 5, 42)),
  add: ({ id, price }) => { const item = { id, price, tags: () => [] }; items.push(item); return item },
};
const ask = async (source, variableValues) => console.log(JSON.stringify(await graphql({ schema, source, rootValue: root, variableValues })));
await ask("query ($below: Float) { items(filter: { below: $below }, sort: PRICE) { ...on Item { id tags(first: 1) similar { id } } } later }", { below: 100 });
await ask("{ fails items { id } }");
await ask("mutation { add(id: 7, price: 1e2) { id price } }");
await ask("{ nothing items(sort: OTHER) { id }");
console.log(JSON.stringify(validate(schema, parse("{ nothing items(sort: OTHER) { id { x } } }")).map((error) => [error.message, error.locations])));
console.log(print(parse("query   Q($a:Int=1){a:items{id,...F}}fragment F on Item{price}")));
console.log(JSON.stringify(introspectionFromSchema(schema).__schema.types.map(({ name }) => name)) + typeof execute);
