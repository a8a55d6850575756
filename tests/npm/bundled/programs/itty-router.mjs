import { AutoRouter, cors, error, json, status, withParams } from "itty-router";
const { preflight, corsify } = cors({ origin: "https://example.org", credentials: true });
const router = AutoRouter({ before: [preflight], finally: [corsify] });
router.get("/hello/:name?", ({ params, query }) => ({ hello: params.name ?? "world", ...query }))
  .all("/deep/*", withParams, ({ method }) => method)
  .post("/echo", async (request) => (await request.clone().json(), request.json()))
  .get("/teapot", () => error(418, "short")).get("/none", () => status(204)).get("/made", () => json([1], { status: 201, headers: { "x-a": "b" } }))
  .get("/fails", () => { throw new Error("on purpose") });
for (const [path, init] of [["/hello/ann?a=1&a=2&b=%20"], ["/hello"], ["/deep/x/y", { method: "PUT" }], ["/echo", { method: "POST", body: '{"a":[1]}' }], ["/teapot"], ["/none"], ["/made"], ["/fails"], ["/missing"], ["/hello", { method: "OPTIONS", headers: { origin: "https://example.org" } }]]) {
  const response = await router.fetch(new Request("https://example.org" + path, init));
  console.log([path, response.status, JSON.stringify([...response.headers].sort()), await response.text()].join(" | "));
}
