import { customAlphabet, customRandom, nanoid, urlAlphabet } from "nanoid";
const ids = Array.from({ length: 300 }, () => nanoid());
console.log(new Set(ids).size + " " + ids.every((id) => /^[\w-]{21}$/.test(id)) + " " + nanoid(5).length);
console.log(/^[abc]{40}$/.test(customAlphabet("abc", 40)()) + " " + urlAlphabet.length);
let seed = 1;
const bytes = (size) => Uint8Array.from({ length: size }, () => (seed = (seed * 48271) % 2147483647) & 255);
console.log(customRandom("0123456789abcdef", 24, bytes)());
