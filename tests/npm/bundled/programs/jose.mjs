import { base64url, calculateJwkThumbprint, CompactSign, compactVerify, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT, UnsecuredJWT } from "jose";
const key = new TextEncoder().encode("a secret of more than thirty-two bytes");
const token = await new SignJWT({ role: "admin", n: 1 }).setProtectedHeader({ alg: "HS256", typ: "JWT" })
  .setIssuedAt(1700000000).setIssuer("urn:x").setAudience("urn:y").setExpirationTime(4000000000).sign(key);
console.log(token);
console.log(JSON.stringify([decodeProtectedHeader(token), decodeJwt(token)]));
const { payload } = await jwtVerify(token, key, { issuer: "urn:x", audience: "urn:y" });
console.log(JSON.stringify(payload));
for (const [name, attempt] of [
  ["other key", () => jwtVerify(token, new TextEncoder().encode("another secret of more than 32 bytes!"))],
  ["other issuer", () => jwtVerify(token, key, { issuer: "urn:z" })],
  ["cut", () => jwtVerify(token.slice(0, -2), key)],
  ["expired", async () => jwtVerify(await new SignJWT({}).setProtectedHeader({ alg: "HS512" }).setExpirationTime(1).sign(key.slice(0, 32).length === 32 ? new Uint8Array(64).fill(7) : key), new Uint8Array(64).fill(7))],
]) {
  try { await attempt(); console.log(name + ": verified") } catch (error) { console.log(name + ": " + error.code) }
}
const jws = await new CompactSign(new TextEncoder().encode("grüße")).setProtectedHeader({ alg: "HS384" }).sign(new Uint8Array(48).fill(1));
console.log(jws + " " + new TextDecoder().decode((await compactVerify(jws, new Uint8Array(48).fill(1))).payload));
console.log(await calculateJwkThumbprint({ kty: "oct", k: base64url.encode(key) }) + " " + new UnsecuredJWT({ a: 1 }).setIssuedAt(5).encode());
