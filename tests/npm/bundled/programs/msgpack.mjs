import { decode, decodeMulti, encode, ExtensionCodec, decodeMultiStream } from "@msgpack/msgpack";
const value = { nil: null, list: [1, -1, 300, -70000, 2 ** 40, 1.5, true], text: "grüße 𝄞", long: "x".repeat(300), bytes: new Uint8Array([1, 2, 255]), date: new Date(1700000000123) };
const packed = encode(value);
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
console.log(packed.length + " " + hex(packed).slice(0, 240));
console.log(JSON.stringify(decode(packed), (key, item) => (item instanceof Uint8Array ? hex(item) : item)));
const codec = new ExtensionCodec();
codec.register({ type: 1, encode: (item) => (item instanceof Set ? encode([...item]) : null), decode: (data) => new Set(decode(data)) });
console.log([...decode(encode(new Set([1, "a"]), { extensionCodec: codec }), { extensionCodec: codec })].join());
console.log(JSON.stringify([...decodeMulti(new Uint8Array([...encode(1), ...encode("two"), ...encode([3])]))]));
const source = new ReadableStream({ start(controller) { const bytes = new Uint8Array([...encode({ a: 1 }), ...encode("ü")]); for (const byte of bytes) controller.enqueue(Uint8Array.of(byte)); controller.close() } });
const streamed = []; for await (const item of decodeMultiStream(source)) streamed.push(item);
console.log(JSON.stringify(streamed));
try { decode(packed.subarray(0, 20)) } catch (error) { console.log(error.name) }
