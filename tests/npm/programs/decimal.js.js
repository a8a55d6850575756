const Decimal = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
const strings = (values) => values.map(String);

// Input forms.
show("parse", strings(["0.1", "-.5e-7", "1e+400", "0xff.8", "0b1011.01", "0o17.4", "0x1.8p3", "Infinity", "-0", NaN, 1e21, 0.1 + 0.2, 123456789012345678901234567890n].map((v) => new Decimal(v))));
show("exact", strings([Decimal.add(0.1, 0.2), Decimal.sub("1e30", "1e-5"), Decimal.mul("99999999999", "99999999999"), Decimal.div(1, 3), Decimal.mod(-7, 3), Decimal.pow(2, "0.5")]));

// Long results: 300 digits each.
const Long = Decimal.clone({ precision: 300, toExpNeg: -400, toExpPos: 1000 });
show("long", strings([new Long(2).sqrt(), Long.exp(1), Long.ln(10), new Long(3).cbrt(), Long.acos(-1), Long.sin(1), Long.atan2(1, 3), Long.tanh("0.7"), Long.log2(10), Long.pow("1.0000001", "12345.678"), Long.asinh(5), Long.log(7, 3)]));
const factorial = (n) => {
  let product = new Decimal(1);
  for (let i = 2; i <= n; i++) product = product.mul(i);
  return product;
};
Decimal.set({ precision: 1200 });
show("factorial", factorial(400).toFixed());
// Machin's formula, against the library's own arc cosine.
const Pi = Decimal.clone({ precision: 420 });
const arctan = (n) => {
  let sum = new Pi(0), power = new Pi(1).div(n);
  for (let k = 1; power.abs().gt("1e-415"); k += 2, power = power.div(-n * n)) sum = sum.add(power.div(k));
  return sum;
};
const pi = arctan(5).mul(16).sub(arctan(239).mul(4));
show("pi", [pi.toFixed(60), pi.sub(Pi.acos(-1)).abs().lt("1e-400")]);
let x = new Pi(0), y = new Pi(1);
for (let i = 0; i < 1500; i++) [x, y] = [y, x.add(y)];
show("fibonacci", [x.toFixed(), y.div(x).toFixed(50)]);
Decimal.set({ precision: 20 });

// Rounding, in every mode and both directions.
for (let mode = 0; mode <= 8; mode++) {
  show("round " + mode, ["2.5", "-2.5", "3.5", "-0.45", "1.005", "-1.995"].map((v) => [new Decimal(v).toDecimalPlaces(0, mode).toString(), new Decimal(v).toFixed(1, mode), new Decimal(v).toSignificantDigits(2, mode).toString()]));
}
show("nearest", strings([new Decimal("9.499").toNearest(0.5), new Decimal("-1.25").toNearest("0.1", Decimal.ROUND_HALF_EVEN), new Decimal(7.9).trunc(), new Decimal(-7.1).floor(), new Decimal(-7.9).ceil(), new Decimal("-0.4").round()]));

// Output forms.
const n = new Decimal("-1234567.890625");
show("formats", [n.toFixed(2), n.toExponential(3), n.toPrecision(5), n.toHex(), n.toBinary(), n.toOctal(), n.toBinary(10), n.toJSON(), n.toNumber(), n.toSD(3).valueOf(), n.precision(), n.decimalPlaces(), n.e, n.d, n.s]);
show("fractions", [new Decimal(Math.PI).toFraction(1000).map(String), new Decimal("0.3333333").toFraction(100).map(String), new Decimal("-1.75").toFraction().map(String), new Decimal("Infinity").toFraction() && "Infinity"]);
show("exponents", strings(["1e-7", "1e-6", "1e20", "1e21", "1.5e-9000000000000001", "9e9000000000000001"].map((v) => new Decimal(v))));
show("signs", strings([new Decimal(-0).neg(), new Decimal(0).div(-1), Decimal.sign(-3), Decimal.div(1, 0), Decimal.div(0, 0), Decimal.sqrt(-1), Decimal.hypot(3, 4, 12), Decimal.max(1, "3", 2), Decimal.min("-1e3", 0), Decimal.sum(0.1, 0.2, 0.3), Decimal.clamp(10, 0, 7)]));
show("compare", [new Decimal("1.0").eq(1), new Decimal(2).cmp("10"), new Decimal(NaN).cmp(1), new Decimal("1e500").gt("9e499"), new Decimal(-0).isNeg(), new Decimal(3.5).isInt(), Decimal.isDecimal(n), ["10", "9", "1e1", "-2"].sort((a, b) => new Decimal(a).cmp(b))]);

// Many small steps, as in an account book.
let balance = new Decimal(1000);
for (let i = 0; i < 20000; i++) balance = balance.mul("1.00001").minus((i % 13) / 100).toDP(8, Decimal.ROUND_HALF_EVEN);
show("balance", balance.toFixed(8));

for (const failing of [() => new Decimal("1,5"), () => new Decimal("é"), () => new Decimal({}), () => new Decimal(undefined), () => Decimal.set({ precision: 0 }), () => Decimal.set({ rounding: 9 }), () => Decimal.set(5), () => n.toFixed(-1), () => n.toDP(1.5), () => new Decimal("0b12"), () => Decimal.set({ crypto: true }), () => n.toFraction(0), () => Decimal.acos(1).pow("1e").sin(), () => Long.clone({ precision: 1100 }).acos(-1)]) {
  try {
    show("accepted", String(failing()).length);
  } catch (error) {
    show("refused", [error.name, error.message]);
  }
}
