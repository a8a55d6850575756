import { z } from "zod";
const order = z.object({
  id: z.uuid(), mail: z.email(), site: z.url(), at: z.iso.datetime(), tags: z.array(z.string().min(2)).max(3),
  amount: z.coerce.number().positive(), state: z.enum(["new", "paid"]).default("new"),
  lines: z.record(z.string(), z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("item"), count: z.int() }), z.object({ kind: z.literal("note"), text: z.string() }),
  ])),
}).strict();
const good = { id: "7c9e6679-7425-40de-944b-e07fc1f90ae7", mail: "a@example.org", site: "https://example.org/x?y=1", at: "2026-01-02T03:04:05Z",
  tags: ["ab", "cd"], amount: "12.5", lines: { a: { kind: "item", count: 2 }, b: { kind: "note", text: "x" } } };
console.log(JSON.stringify(order.parse(good)));
const bad = order.safeParse({ ...good, id: "x", mail: "@", site: "nowhere", tags: ["a", "bc", "de", "fg"], amount: -1, lines: { a: { kind: "other" } }, extra: 1 });
console.log(JSON.stringify(bad.error.issues.map(({ code, path, message }) => [code, path.join("."), message])));
console.log(await z.string().transform(async (text) => text.length).parseAsync("four"));
console.log(JSON.stringify(z.toJSONSchema(order)));
