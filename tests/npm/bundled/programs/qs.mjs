import qs from "qs";
console.log(JSON.stringify(qs.parse("a[b][c]=1&a[b][d][]=2&a[b][d][]=3&e=%C3%BC&f=a+b&g&h[1]=x&h[0]=y&i.j=5", { allowDots: true })));
console.log(qs.stringify({ a: { b: [1, 2, { c: "ü &" }] }, d: null, e: undefined, f: new Date(0), g: true }));
console.log(qs.stringify({ a: [1, 2] }, { arrayFormat: "comma" }) + " " + qs.stringify({ a: [1, 2] }, { encode: false, indices: false }) + " " + qs.stringify({ "a b": "ü" }, { format: "RFC1738", charset: "iso-8859-1" }));
console.log(JSON.stringify(qs.parse("?x=1;y=2", { ignoreQueryPrefix: true, delimiter: ";" })) + JSON.stringify(qs.parse("a[b][c][d][e][f][g]=1", { depth: 2 })));
console.log(JSON.stringify(qs.parse("__proto__[x]=1&a[__proto__]=2")) + String({}.x));
