import { jwtDecode } from "jwt-decode";
const encode = (value) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const token = [encode({ alg: "none", kid: "ü" }), encode({ sub: "7", name: "Jürgen 𝄞", admin: true, exp: 1 }), ""].join(".");
console.log(token);
console.log(JSON.stringify([jwtDecode(token), jwtDecode(token, { header: true })]));
for (const bad of [undefined, "a", "a.%%.c", "a.e30"]) { try { console.log(JSON.stringify(jwtDecode(bad))) } catch (error) { console.log(error.name) } }
