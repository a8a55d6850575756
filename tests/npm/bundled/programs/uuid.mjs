import { NIL, parse, stringify, v1, v3, v4, v5, v7, validate, version } from "uuid";
const random = new Set(Array.from({ length: 200 }, () => v4()));
console.log(random.size + " " + [...random].every((id) => validate(id) && version(id) === 4));
console.log(v3("hello", v3.URL) + " " + v5("hello", v5.DNS) + " " + v5("grüße", v5.URL));
console.log(v4({ random: Uint8Array.from({ length: 16 }, (_, i) => i * 7) }) + " " + NIL);
console.log(v7({ msecs: 1700000000000, seq: 1, random: new Uint8Array(16).fill(9) }) + " " + version(v7()) + version(v1()));
console.log(stringify(parse("7c9e6679-7425-40de-944b-e07fc1f90ae7")) + " " + parse(NIL).constructor.name);
try { parse("nothing") } catch (error) { console.log(error.name + ": " + error.message) }
