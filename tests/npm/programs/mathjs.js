const math = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
// The last digits of sin, exp and pow are left to each engine by the language,
// so floating point is printed to twelve digits and everything else in full.
const text = (value) => math.format(value, { precision: 12 });
const full = (value) => math.format(value);

show("version", math.version);

// Matrices, dense and sparse.
const a = math.matrix([[4, -2, 1], [-2, 4, -2], [1, -2, 4]]);
show("matrix", [math.det(a), math.inv(a), math.multiply(a, math.inv(a)), math.lusolve(a, [11, -16, 17]), math.transpose(a), math.pow(a, 5)].map(text));
const { L, U, p } = math.lup(a);
const { Q, R } = math.qr(a);
show("decompositions", [text(L), text(U), p, text(math.multiply(Q, R)), text(math.eigs(a).values), text(math.expm([[0, 1], [-1, 0]]))]);
const sparse = math.sparse(math.range(0, 40).toArray().map((i) => math.range(0, 40).toArray().map((j) => (i === j ? 4 : Math.abs(i - j) === 1 ? -1 : 0))));
show("sparse", [sparse.density(), text(math.lusolve(sparse, math.ones(40)).get([20, 0])), math.kron([[1, 2]], [[1], [3]]), math.cross([1, 2, 3], [4, 5, 6]), math.reshape(math.range(1, 7), [3, 2])]);
show("subset", [math.subset(a, math.index([0, 2], 1)), math.concat([[1]], [[2]], 0), math.sort([3, 1, 2], "desc"), math.partitionSelect([5, 1, 4], 1)]);
const big = math.matrix(Array.from({ length: 60 }, (_, i) => Array.from({ length: 60 }, (_, j) => ((i * 31 + j * 17) % 23) - 11)));
show("large product", math.sum(math.multiply(big, math.transpose(big))));

// Big numbers, fractions, complex numbers and big integers.
const precise = math.create({ number: "BigNumber", precision: 100 });
const exact = math.create({ number: "Fraction" });
show("bignumber", ["1/3", "sqrt(2)", "exp(1)", "pi", "sin(1)", "atan2(1, 2)", "120!", "2^-200", "log(10)", "gamma(25)"].map((e) => precise.evaluate(e).toString()));
show("fraction", ["1/3 + 1/6", "0.125 * 7", "(2/3)^5", "gcd(1/2, 1/3)", "1/7"].map((e) => exact.evaluate(e)).map((f) => [full(f), f.toString()]));
show("complex", ["sqrt(-4)", "(2+3i)*(1-i)", "exp(i*pi)", "conj(1+2i)", "abs(3+4i)", "log(-1)", "(1+i)^10", "arg(-i)"].map((e) => text(math.evaluate(e))));
show("roots", [text(math.polynomialRoot(-6, 11, -6, 1)), text(math.cbrt(-27)), text(math.nthRoots(16, 4))]);
show("bigint", [full(math.evaluate("a * a + b", { a: 12345678901234567890n, b: 1n })), full(math.bigint("9007199254740993")), math.isPrime(1000003), math.stirlingS2(10, 4), math.combinations(50, 25), full(math.bignumber(2).pow(333))]);

// Units, with one of our own.
math.createUnit("furlong", { definition: "220 yards", prefixes: "long" });
show("units", ["5 cm + 2 inch to mm", "90 km/h to m/s", "20 degC to degF", "2 kWh to MJ", "3 furlong to m", "(5 N * 2 m) / 4 s to W", "1 GiB to b", "sin(30 deg)", "5 m^2 / (2 m)", "12 megafurlong"].map((e) => text(math.evaluate(e))));
show("split", math.evaluate("splitUnit(1.7 m, [ft, in])").map((u) => text(u)));

// Symbols: syntax tree, simplification, derivatives, typesetting.
show("derivative", ["x^3 + 2x", "sin(x)^2 / x", "exp(-x^2)", "log(x) * sqrt(x)", "x^x"].map((e) => math.derivative(e, "x").toString()));
show("simplify", ["2x + 3x - x", "(x^2 - x) / x", "x*y*-x/(x^2)", "3 + 2/4", "a and true"].map((e) => math.simplify(e).toString()));
show("rationalize", [math.rationalize("x/y - 1").toString(), math.rationalize("(x+1)^2").toString(), math.simplifyConstant("2 pi + 3 * 4 + x").toString(), math.symbolicEqual("(x+y)*2", "2x+2y")]);
show("tex", math.parse("sum([1, 2; 3, x_1]) / sqrt(α^2) <= 5 deg ? not p : a' * -b!").toTex());
show("tree", JSON.parse(JSON.stringify(math.parse("f(x, y) = x.foo[2] + {k: -y}.k % 3"))));
show("transform", math.parse("a + b * a").transform((n) => (n.isSymbolNode && n.name === "a" ? math.parse("(z ^ 2)") : n)).toString({ parenthesis: "all" }));

// The expression language, statistics, and JSON there and back.
const parser = math.parser();
parser.evaluate("fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)");
parser.set("größe", [[1, 2], [3, 4]]);
show("parser", ["fib(15)", "größe[2, :] * 2", "größe[:, 1]'", "s = \"é\\\"\"; concat(s, \"x\")", "map([1, 4, 9], sqrt)", "1:2:9", "filter([1, -2, 3], g(x) = x > 0)", "a = 3; a += 1", "[1,2;3,4] .* [2,2;2,2] == [2,4;6,8]", "7 mod 3 | 8 xor 3", "bin(13) ", "5 to 3"].map((e) => {
  try {
    return full(parser.evaluate(e));
  } catch (error) {
    return error.message;
  }
}));
const sample = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 1009);
show("statistics", [math.mean(sample), math.median(sample), math.std(sample), math.quantileSeq(sample, [0.1, 0.9]), math.mode([1, 2, 2, 3, 3]), math.mad(sample), math.corr([1, 2, 3], [2, 4, 7]), math.fft([1, 2, 3, 4]), math.erf(0.5), math.gamma(7.5)].map(text));
const kept = JSON.stringify([math.unit("5 cm"), math.complex(1, -2), math.fraction(2, 6), math.bignumber("1e50"), a, math.parse("x+1")]);
show("json", [kept, JSON.parse(kept, math.reviver).map((v) => math.typeOf(v) + ":" + full(v))]);
show("formats", [math.format(123456.789, { notation: "engineering", precision: 4 }), math.format(1 / 3, { notation: "fixed", precision: 5 }), math.format(255, { notation: "hex", wordSize: 16 }), math.format(1e-9), math.round(2.345, 2), math.print("$a é $b.c", { a: 1.5, b: { c: [1] } })]);

for (const e of ["1 +", "[1, 2] * [3, 4, 5]", "unknown(3)", "x + 1", "5 cm + 2 kg", "inv([1, 2; 2, 4])", "[1, 2; 3]", "sqrt(\"text\")", "{a: 1}.b + 1", "\"open", "2 = 3", "[1,2,3][5]", "factorial(-1)", "det([1, 2, 3])"]) {
  try {
    show("value", [e, full(math.evaluate(e))]);
  } catch (error) {
    show("refused", [e, error.name, error.message]);
  }
}
