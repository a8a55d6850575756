import { Deflate, deflateSync, gunzipSync, gzipSync, inflateSync, strFromU8, strToU8, unzipSync, zipSync, zlibSync, unzlibSync } from "fflate";
const text = Array.from({ length: 4000 }, (_, i) => "line " + (i * 7919) % 101 + " grüße 𝄞").join("\n");
const bytes = strToU8(text);
const sum = (data) => { let h = 2166136261; for (const byte of data) h = Math.imul(h ^ byte, 16777619); return (h >>> 0).toString(16) };
for (const level of [0, 1, 6, 9]) {
  const packed = gzipSync(bytes, { level, mtime: 0 });
  console.log(level + " " + packed.length + " " + sum(packed) + " " + (strFromU8(gunzipSync(packed)) === text));
}
console.log(sum(inflateSync(deflateSync(bytes))) + " " + sum(unzlibSync(zlibSync(bytes))) + " " + sum(bytes));
const zip = zipSync({ "a.txt": strToU8("a"), dir: { "b.txt": [bytes, { level: 9 }] } }, { mtime: new Date(2020, 1, 1) });
console.log(Object.entries(unzipSync(zip)).map(([name, data]) => name + ":" + sum(data)).join(" "));
const chunks = []; const stream = new Deflate((chunk, last) => chunks.push([chunk.length, last]));
for (let at = 0; at < bytes.length; at += 30000) stream.push(bytes.subarray(at, at + 30000), at + 30000 >= bytes.length);
console.log(JSON.stringify([chunks.length, chunks.at(-1)[1]]));
try { inflateSync(new Uint8Array([255, 255, 255])) } catch (error) { console.log(error.message) }
