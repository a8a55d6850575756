//! Programs that nobody wrote, of the instructions that `guest/patches/quickjs.c/leaf_loop.h` runs.
//!
//! Numbers are in variables of their own, so that most of the arithmetic throws nothing. What may throw is caught and logged. All loops
//! end, no text grows without end, no big integer is multiplied by another, and no array is in an array: where the stack ends
//! is not the same everywhere.

use std::{fmt::Write as _, mem};

#[path = "../generated/choices.rs"]
pub(super) mod choices;

use self::choices::Choices;

const NUMBERS: [&str; 39] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "31",
    "32",
    "33",
    "127",
    "128",
    "255",
    "256",
    "32767",
    "32768",
    "46341",
    "65536",
    "1073741824",
    "2147483646",
    "2147483647",
    "2147483648",
    "4294967295",
    "9007199254740991",
    "(-1)",
    "(-2)",
    "(-129)",
    "(-32769)",
    "(-2147483647)",
    "(-2147483648)",
    "(-0)",
    "NaN",
    "Infinity",
    "(-Infinity)",
    "0.5",
    "(-1.5)",
    "1e21",
    "5e-324",
];

const OTHERS: [&str; 16] = [
    "undefined",
    "null",
    "true",
    "false",
    "''",
    "'a'",
    "'7'",
    "'length'",
    "10n",
    "(-1n)",
    "9007199254740993n",
    "Symbol.iterator",
    "{ k: 1 }",
    "{ valueOf() { log('valueOf'); v0 = 5; c1 = 'changed'; return n0 } }",
    "Object.create({ k: 'inherited' })",
    "(() => v1)",
];

const VIEWS: [&str; 12] = [
    "Uint8Array",
    "Uint8ClampedArray",
    "Int8Array",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "BigInt64Array",
    "BigUint64Array",
];

/// What is done to an array `$A`, a view `$T` or an object `$O`, beyond reading and writing of members.
const CHANGES: [&str; 36] = [
    "$A.length = 2",
    "$A.length = 5",
    "$A.length = 4294967295; log($A.length); $A.length = 1",
    "$A.push(v0)",
    "$A.pop()",
    "delete $A[1]",
    "$A[$A.length] = v1",
    "$A[$A.length + 1] = n1",
    "Object.freeze($A)",
    "Object.preventExtensions($A)",
    "Object.defineProperty($A, 'length', { writable: false })",
    "Object.defineProperty($A, 1, { get() { log('getter'); return v0 }, set(to) { log('setter', to) } })",
    "Object.setPrototypeOf($A, spy([8, 9]))",
    "Object.defineProperty(Array.prototype, 2, { get() { return 'of all' }, set(to) { n0++ }, configurable: true })",
    "$A = [1, 2, 3, 4]; $A.length = 2",
    "$A = [1, 2, 3, 4]; $A.length = 2; Object.preventExtensions($A); $A[2] = 3",
    "$A = [1, 2, 3, 4]; $A.length = 2; $A.length = 5; $A[2] = n1; log($A.length)",
    "$A = [1, 2, 3, 4]; $A.length = 2; Object.setPrototypeOf($A, spy([])); $A[2] = n1; log($A)",
    "$T = new $T.constructor(new ArrayBuffer(16, { maxByteLength: 64 }))",
    "$T = new $T.constructor(new ArrayBuffer(32, { maxByteLength: 64 }), 8, 2)",
    "$T.buffer.resize(8)",
    "$T.buffer.resize(64)",
    "$T.buffer.transfer()",
    "$T = new $T.constructor($T.buffer.transferToImmutable())",
    "$T.k = n0",
    "Object.defineProperty($O, 'k', { get() { log('getter'); return v1 }, set(to) { log('setter', to) }, configurable: true })",
    "Object.defineProperty($O, 'k', { value: 1, writable: false, configurable: true })",
    "delete $O.k",
    "$O = Object.create(spy({ k: 7 }))",
    "$O = Object.create($O)",
    "$O = spy($O)",
    "Object.freeze($O)",
    "Object.defineProperty(globalThis, 'g0', { writable: false })",
    "globalThis.g1 = 'property'; log(g1); delete globalThis.g0",
    "$O = arguments",
    "$O.self = $O",
];

/// `$N` is a numeric expression, `$V` any.
const BLOCKS: [&str; 25] = [
    "for (const x of [2147483647, -2147483648, 0, -1, -7]) { const y = $N; log(-x, ~x, x + y, x - y, x * y, x % y, x / y, x << y, x >> y, x >>> y) }",
    "var x = 2147483640; x += $N; x += x; log(x); x -= $N; x += 0.5; log(x); x += $V; log(cap(x))",
    "let x = $N; { let y = x; x = y * y; let z = y - x; y = z; log(x, y, z) }",
    "try { x = $N; let x = $V; log(x) } catch (e) { log(e) }",
    "log([1, , ...'ab', , $V, $N])",
    "log([(x) => x, log][n0 & 1]($V))",
    "[o0.k, a1[0], o1[v0], ...v2] = [$N, $V, $V, 1, 2]; v2 = $N",
    "({ k: o0.self, ['length']: a1[0] = $V, [$N]: v2 = $V, ...c1 } = t0); log(c1, v2); c1 = 0",
    "const o = { __proto__: { k: 1, j: 2 }, f() { super.k += $N; log(super['k']++); log(super.j ??= 1); return super['j'] = $V } }; log(o.f(), o)",
    "for (let i = 0; i < 5; i++) { try { if (i === 1) continue; if (i === 3) break; n0 += i } finally { n1++ } } log(n0, n1)",
    "try { log(x); let x = $V } catch (e) { log(e) }",
    "const late = () => x; try { late() } catch (e) { log(e) } let x = $V; log(late())",
    "const late = () => { x = $N }; try { late() } catch (e) { log(e) } let x = 0; late(); log(x)",
    "const x = $N; try { x = 1 } catch (e) { log(e) } log(x)",
    "let x = $N, y = x++, z = --x; log(x, y, z, x === y)",
    "const all = []; for (let i = 0; i < 3; i++) { all.push(() => i++); n0 += i } log(all.map((f) => f() + f()))",
    "let i = $N | 0; do { i = i + 1 | 0; n1 ^= i } while ((i & 7) !== 0); log(i)",
    "outer: for (let i = 0; i < 4; i++) { for (const x of [1, 2, 3]) { if (x === i) continue outer; if (x + i > 5) break outer; n0 -= x } }",
    "switch ($V) { case 1: n0++; case 'a': n1++; break; case null: case undefined: n2--; break; default: n3 = ~n3 } log(n0, n1, n2, n3)",
    "for (const key in o0) { log(key); n0 = n0 + key.length | 0 } ",
    "const get = (() => { let own = $V; return { read: () => own, write: (to) => { own = to } } })(); get.write($V); log(get.read())",
    "try { try { n0 = $N; if (n0 > 0) throw $V; log($V) } finally { n1 = $N } } catch (e) { log('caught', e) }",
    "const [x = $N, y = $V, ...z] = a0; log(x, y, z.length)",
    "const { k = $V, length: x } = o0; log(k, x)",
    "class Base { constructor() { this.k = $N } } class Derived extends Base { #own = $N; constructor(to) { try { log(this.k) } catch (e) { log(e) } super(); this.k += to; try { super() } catch (e) { log(e) } } read() { return this.#own + super.k } } const made = new Derived($N); log(made, made.read())",
];

/// What a function is called as; its body follows.
const HEADS: [&str; 7] = [
    "function NAME(p0, p1, p2, p3, p4, p5) {",
    "function NAME(p0, p1, p2, p3, p4, p5) { 'use strict';",
    "function NAME(p0, p1 = p0, ...p2) { let p3 = p2[0], p4 = 4, p5;",
    "function* NAME(p0, p1, p2, p3, p4, p5) {",
    "async function NAME(p0, p1, p2, p3, p4, p5) {",
    "async function* NAME(p0, p1, p2, p3, p4, p5) { 'use strict';",
    "class NAME { constructor(p0, p1, p2, p3, p4, p5) {",
];

/// What each program begins with.
pub(crate) const PRELUDE: &str = include_str!("prelude.js");

/// A program, without its prelude, whose value is a promise of its log.
pub(crate) fn program(bytes: &[u8]) -> String {
    let mut maker =
        Maker { choices: Choices::new(bytes), text: String::new(), suspend: "", is_inner: false, loops: 0, fresh: 0 };
    let mut calls = String::new();
    for number in 0..=maker.choices.below(3) {
        maker.function(&format!("f{number}"));
        let arguments: Vec<_> = (0..maker.choices.below(6)).map(|_| maker.literal()).collect();
        let _ = writeln!(calls, "await drive(f{number}, {});", arguments.join(", "));
    }
    maker.text + "(async () => {\n" + &calls + "return lines.join('\\n')\n})()\n"
}

struct Maker<'a> {
    choices: Choices<'a>,
    text: String,
    /// What the function that is written suspends itself with, if it can.
    suspend: &'static str,
    is_inner: bool,
    loops: u32,
    fresh: u32,
}

impl Maker<'_> {
    fn function(&mut self, name: &str) {
        let head = self.choices.below(HEADS.len());
        self.suspend = ["", "", "", "yield ", "await ", "yield ", ""][head];
        let _ = writeln!(self.text, "{}", HEADS[head].replace("NAME", name));
        // Beyond 256 variables, instructions have other forms.
        if self.choices.one_in(4) {
            let many: Vec<_> = (0..260).map(|number| format!("w{number}")).collect();
            let _ = writeln!(self.text, "let {};", many.join(", "));
        }
        for name in ["n0", "n1", "n2", "n3"] {
            let _ = writeln!(self.text, "var {name} = {};", self.choices.pick(&NUMBERS));
        }
        for name in ["v0", "v1", "v2", "c0", "c1"] {
            let value = self.literal();
            let _ = writeln!(self.text, "let {name} = {value};");
        }
        let (view, other, number) = (self.choices.pick(&VIEWS[..10]), self.choices.pick(&VIEWS), self.literal());
        let _ = writeln!(self.text, "let a0 = [1, {number}, 'x'], a1 = [, 2.5, , {{}}];");
        let _ = writeln!(
            self.text,
            "let t0 = new {view}(4), t1 = new {other}(3), o0 = {{ k: 1 }}, o1 = Object.create(o0);"
        );
        self.inner();
        while !self.choices.is_empty() {
            self.statements(0);
            if self.choices.one_in(3) {
                break;
            }
        }
        self.text.push_str("log(n0, n1, n2, n3, v0, v1, v2, c0, c1, p0, p1, p2, p3, p4, p5, g0, g1, gn, gm);\nlog(a0, a1, t0, t1, o0, o1, arguments);\n");
        // It is called when the frame that its variables were in is gone.
        let value = self.value(0);
        let _ = writeln!(self.text, "return {{ value: {value}, inner }}\n}}{}", if head == 6 { " }" } else { "" });
    }

    /// A function that shares the variables of the one around it.
    fn inner(&mut self) {
        let suspend = mem::take(&mut self.suspend);
        self.is_inner = true;
        self.text.push_str("const inner = (q0, q1) => {\n");
        self.statements(1);
        let value = self.value(1);
        let _ = writeln!(self.text, "return cap({value}) + q0 + q1\n}};");
        self.is_inner = false;
        self.suspend = suspend;
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..=self.choices.below(4) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: usize) {
        let text = match self.choices.below(12) {
            0 => "log(n0, v0);".to_owned(),
            1 | 2 => self.arithmetic() + ";",
            3..=5 => guarded(&self.assignment(1)),
            6 => {
                let change = self.choices.pick(&CHANGES);
                guarded(&self.filled(change))
            }
            7 | 8 => {
                let block = self.choices.pick(&BLOCKS);
                guarded(&self.filled(block))
            }
            9 if !self.suspend.is_empty() => {
                let (suspend, value) = (self.suspend, self.literal());
                guarded(&format!("log('sent', {suspend}{value})"))
            }
            9 => guarded(&format!("log({})", self.value(2))),
            10 if depth < 3 => return self.condition(depth),
            11 if depth < 3 => return self.repetition(depth),
            _ if self.is_inner => "log(q0, q1);".to_owned(),
            _ => guarded(&format!("log(inner({}, {}))", self.literal(), self.literal())),
        };
        let _ = writeln!(self.text, "{text}");
    }

    fn condition(&mut self, depth: usize) {
        let asked = if self.choices.one_in(2) { self.value(1) } else { self.number(2) };
        let _ = writeln!(self.text, "try {{ if ({asked}) {{");
        self.statements(depth + 1);
        self.text.push_str("} else {\n");
        self.statements(depth + 1);
        self.text.push_str("} } catch (e) { log(e) }\n");
    }

    fn repetition(&mut self, depth: usize) {
        self.fresh += 1;
        let (i, last) = (format!("i{}", self.fresh), self.choices.pick(&["3", "5", "7"]));
        if self.loops > 0 || self.choices.one_in(2) {
            // Many rounds of numbers only.
            let (first, second) = (self.arithmetic(), self.arithmetic());
            let head =
                self.choices.pick(&["let I = 0; I < 40; I++", "var I = -20.5; I <= 20; I += 1", "let I = 40; I--;"]);
            let _ = writeln!(self.text, "for ({}) {{ {first}; {second} }}", head.replace('I', &i));
            return;
        }
        self.loops += 1;
        let _ = writeln!(self.text, "{i}: for (let {i} = 0; {i} < {last}; {i}++) {{");
        self.statements(depth + 1);
        let leave = self.choices.pick(&["continue", "break"]);
        let asked = self.number(1);
        let _ = writeln!(self.text, "if ({asked} > 100) {leave} {i};");
        self.statements(depth + 1);
        self.text.push_str("}\n");
        self.loops -= 1;
    }

    /// A statement that throws nothing.
    fn arithmetic(&mut self) -> String {
        let (place, number) =
            (self.choices.pick(&["n0", "n1", "n2", "n3", "gn", "gm", "t0[1]", "t0[n0 & 7]"]), self.number(2));
        let by = self.choices.pick(&["=", "+=", "-=", "*=", "%=", "/=", "|=", "&=", "^=", "<<=", ">>=", ">>>="]);
        match self.choices.below(5) {
            0 => format!("{place}++"),
            1 => format!("--{place}"),
            2 => format!("{place} = {number}"),
            _ => format!("{place} {by} {number}"),
        }
    }

    /// A number, without anything that throws.
    fn number(&mut self, depth: usize) -> String {
        let kind = self.choices.below(if depth == 0 { 3 } else { 10 });
        match kind {
            0 | 1 => self.choices.pick(&NUMBERS).to_owned(),
            2 => self
                .choices
                .pick(&["n0", "n1", "n2", "n3", "gn", "gm", "t0[0]", "t0[1]", "t0.length", "a0.length"])
                .to_owned(),
            3..=6 => {
                let by = [
                    "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>", "<", "<=", ">", ">=", "==", "!=", "===",
                    "!==",
                ];
                let (one, by, other) = (self.number(depth - 1), self.choices.pick(&by), self.number(depth - 1));
                format!("({one} {by} {other})")
            }
            7 => format!("{}({})", self.choices.pick(&["-", "+", "~", "!"]), self.number(depth - 1)),
            8 => self
                .choices
                .pick(&["n0++", "n1--", "++n2", "--n3", "gn++", "--gm", "t0[1]++", "--t0[n1 & 3]"])
                .to_owned(),
            _ => {
                let (asked, one, other) = (self.number(depth - 1), self.number(depth - 1), self.number(depth - 1));
                format!("({asked} ? {one} : {other})")
            }
        }
    }

    fn literal(&mut self) -> String {
        if self.choices.one_in(2) { self.choices.pick(&OTHERS) } else { self.choices.pick(&NUMBERS) }.to_owned()
    }

    fn place(&mut self) -> String {
        const PLACES: [&str; 26] = [
            "v0",
            "v1",
            "v2",
            "c0",
            "c1",
            "p0",
            "p1",
            "p2",
            "p3",
            "p4",
            "p5",
            "g0",
            "g1",
            "o0.k",
            "o1.k",
            "o0.self",
            "o1[v1]",
            "a0[0]",
            "a0[n0 & 3]",
            "a1[2]",
            "a1[a1.length]",
            "a1[v0 & 7]",
            "t1[0]",
            "t1[n1 & 3]",
            "arguments[0]",
            "arguments[n0 & 3]",
        ];
        self.choices.pick(&PLACES).to_owned()
    }

    /// An assignment of any value, which may throw.
    fn assignment(&mut self, depth: usize) -> String {
        let (place, value) = (self.place(), self.value(depth));
        match self.choices.below(9) {
            0 => format!("{place} += {value}; {place} = cap({place})"),
            1 => format!("log({place}++)"),
            2 => format!("log(--{place})"),
            3 => format!("{place} -= {value}"),
            4 => format!("{place} ??= {value}"),
            5 => format!("log({place} = cap({value}))"),
            6 => format!("{place} = {}", self.choices.pick(&["o0", "o1", "inner", "t1"])),
            _ => format!("{place} = cap({value})"),
        }
    }

    /// Any value, which may throw.
    fn value(&mut self, depth: usize) -> String {
        let kind = self.choices.below(if depth == 0 { 4 } else { 12 });
        match kind {
            0 | 1 => self.literal(),
            2 => self.place(),
            3 => self
                .choices
                .pick(&["o0", "a0.length", "v0.length", "o1?.k", "o0.self?.k", "t1", "a0[v0]", "(a0 == o0)"])
                .to_owned(),
            4..=7 => {
                let by = [
                    "+", "-", "/", "%", "&", "|", "^", "<", "<=", ">", ">=", "==", "!=", "===", "!==", "&&", "||",
                    "??", "* +", "<< +", ">>> ",
                ];
                let (one, by, other) = (self.value(depth - 1), self.choices.pick(&by), self.value(depth - 1));
                format!("(({one}) {by} ({other}))")
            }
            8 => {
                let (value, after) =
                    (self.value(depth - 1), self.choices.pick(&["=== undefined", "=== null", "== null", "!= null"]));
                format!("(({value}) {after})")
            }
            9 => format!("{}({})", self.choices.pick(&["-", "+", "~", "!", "typeof ", "void "]), self.value(depth - 1)),
            10 => format!("({} = {})", self.place(), self.literal()),
            _ => {
                let (asked, one, other) = (self.value(depth - 1), self.value(depth - 1), self.value(depth - 1));
                format!("(({asked}) ? {one} : {other})")
            }
        }
    }

    /// A template with something at each of its places.
    fn filled(&mut self, template: &str) -> String {
        let (a, t, o) =
            (self.choices.pick(&["a0", "a1"]), self.choices.pick(&["t0", "t1"]), self.choices.pick(&["o0", "o1"]));
        let mut text = template.replace("$A", a).replace("$T", t).replace("$O", o);
        while text.contains("$N") {
            text = text.replacen("$N", &self.number(1), 1);
        }
        while text.contains("$V") {
            text = text.replacen("$V", &self.value(1), 1);
        }
        text
    }
}

fn guarded(text: &str) -> String {
    format!("try {{ {text} }} catch (e) {{ log(e) }}")
}
