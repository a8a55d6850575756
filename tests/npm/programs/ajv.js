const Ajv = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
const check = (label, validate, data) => show(label, [validate(data), validate.errors && validate.errors.map((e) => [e.dataPath, e.keyword, e.schemaPath, e.params, e.message])]);

// One schema with most of draft-07 in it, all errors wanted.
const order = {
  $id: "https://example.org/order",
  type: "object",
  required: ["id", "lines", "customer"],
  additionalProperties: false,
  properties: {
    id: { type: "string", pattern: "^[A-Z]{2}-\\d{4,}$" },
    customer: { $ref: "#/definitions/customer" },
    lines: { type: "array", minItems: 1, maxItems: 3, uniqueItems: true, items: { $ref: "#/definitions/line" } },
    note: { type: ["string", "null"], maxLength: 5 },
    pay: { enum: ["card", "cash", { other: true }] },
    kind: { const: "order" },
  },
  patternProperties: { "^x-": { type: "integer" } },
  definitions: {
    customer: {
      type: "object",
      properties: { email: { format: "email" }, born: { format: "date" }, site: { format: "uri" }, ip: { anyOf: [{ format: "ipv4" }, { format: "ipv6" }] } },
      dependencies: { site: ["email"] },
      if: { properties: { vip: { const: true } }, required: ["vip"] },
      then: { required: ["born"] },
      else: { propertyNames: { maxLength: 5 } },
    },
    line: {
      type: "object",
      properties: { sku: { type: "string", minLength: 2 }, qty: { type: "integer", minimum: 1, exclusiveMaximum: 100 }, price: { type: "number", multipleOf: 0.25 } },
      required: ["sku", "qty"],
    },
  },
};
const ajv = new Ajv({ allErrors: true, logger: false });
const validOrder = ajv.compile(order);
check("good", validOrder, { id: "NO-12345", customer: { email: "a@example.org", ip: "::1", vip: true, born: "2000-02-29" }, lines: [{ sku: "茶茶", qty: 2, price: 1.75 }], note: "👩‍🚀éa", pay: { other: true }, "x-a": 1 });
check("astral length", validOrder, { id: "NO-1234", customer: {}, lines: [{ sku: "😀", qty: 1 }], note: "😀😀😀😀😀" });
check("bad", validOrder, { id: "no", customer: { email: "nope", born: "2001-02-29", site: "::", ip: "1.2.3.400", longname: 1 }, lines: [{ sku: "a", qty: 0 }, { sku: "a", qty: 0 }, { qty: 1.5, price: 0.3 }, 7], note: "toolong", pay: "gold", kind: 1, "x-b": "s", extra: true });
check("empty", validOrder, {});
check("wrong type", validOrder, [1]);
show("text", ajv.errorsText(validOrder.errors, { dataVar: "order", separator: " | " }));

// Recursion, references between schemas, $data and the combinators.
ajv.addSchema({ $id: "https://example.org/tree", type: "object", properties: { v: { type: "number" }, kids: { type: "array", items: { $ref: "#" } } }, required: ["v"] });
check("tree", ajv.getSchema("https://example.org/tree"), { v: 1, kids: [{ v: 2, kids: [{ kids: [] }, { v: "x" }] }] });
check("cross", ajv.compile({ oneOf: [{ $ref: "tree" }, { $ref: "order#/definitions/line" }], not: { required: ["banned"] }, $id: "https://example.org/cross" }), { v: 1, sku: "ab", qty: 1, banned: 0 });
const withData = new Ajv({ $data: true, verbose: true, allErrors: true, jsonPointers: true });
check("$data", withData.compile({ properties: { low: { type: "number" }, high: { type: "number", minimum: { $data: "1/low" } }, list: { contains: { const: { $data: "/low" } }, items: [{ type: "boolean" }], additionalItems: { type: "string" } } } }), { low: 5, high: 3, list: [1, 2, "ok"] });
for (const [format, values] of Object.entries({ "date-time": ["2024-02-29T12:00:00Z", "2024-02-30 12"], time: ["23:59:60Z", "25:00:00Z"], hostname: ["a-b.example", "-a"], regex: ["^\\p{L}$", "("], uuid: ["123e4567-e89b-12d3-a456-426614174000", "123"], "json-pointer": ["/a~1b", "a~"], "uri-template": ["/{id}", "/{"], "uri-reference": ["../é", "../e"] })) {
  const validate = new Ajv({ format: "full", unknownFormats: [] }).compile({ format });
  show("format " + format, values.map((value) => validate(value)));
}

// Coercion, defaults and removal change the data itself.
const changing = new Ajv({ coerceTypes: "array", useDefaults: true, removeAdditional: true });
const data = { n: "42", b: "false", list: "one", drop: 1, nested: {} };
changing.validate({ additionalProperties: false, properties: { n: { type: "integer" }, b: { type: "boolean" }, list: { type: "array", items: { type: "string" } }, nested: { type: "object", default: {}, properties: { d: { type: "string", default: "dflt" } } }, added: { default: [1, "é"] } } }, data);
show("changed", data);

// Keywords of our own: compiled, by macro and by plain function.
ajv.addKeyword("range", { type: "number", macro: ([low, high]) => ({ minimum: low, maximum: high }), metaSchema: { type: "array", items: { type: "number" }, minItems: 2 } });
ajv.addKeyword("even", { type: "number", compile: (wanted) => (n) => (n % 2 === 0) === wanted });
ajv.addKeyword("palindrome", { type: "string", errors: true, validate: function same(schema, text) {
  same.errors = [{ keyword: "palindrome", message: "reads differently backwards", params: { text } }];
  return [...text].reverse().join("") === text;
} });
check("keywords", ajv.compile({ items: [{ range: [1, 5], even: true }, { palindrome: true }, { palindrome: true }] }), [7, "été", "ab😀"]);

// Many values through one compiled schema.
const many = ajv.compile({ type: "array", items: { type: "object", properties: { i: { type: "integer", multipleOf: 3 }, s: { pattern: "^é?\\d+$" } }, required: ["i", "s"] } });
const ok = many(Array.from({ length: 20000 }, (_, i) => ({ i: i % 1000 === 7 ? i + 0.5 : 3 * i, s: (i % 2 ? "é" : "") + (i % 5000 === 1 ? "x" : i) })));
show("many", [ok, many.errors.length, many.errors.slice(-1)[0]]);

for (const failing of [() => ajv.compile({ type: "nope" }), () => ajv.compile({ $ref: "#/missing" }), () => ajv.compile({ $ref: "https://example.org/absent" }), () => ajv.addSchema(order), () => ajv.addKeyword("even", {}), () => new Ajv().compile({ format: "nonsense" }), () => ajv.compile({ range: ["a"] }), () => ajv.validate("unknown-id", 1), () => ajv.compile(5)]) {
  try {
    failing();
    show("accepted", "");
  } catch (error) {
    show("refused", [error.message, error.missingRef]);
  }
}
