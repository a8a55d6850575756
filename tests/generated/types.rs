//! Types of components, what they are in core code, and values of them as text.

use std::fmt::Write as _;

use crate::choices::Choices;

/// A type, as far as core code has to know it.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    /// Its text in WAT: a word, a name that was given to it, or all of it.
    pub(crate) text: String,
    /// What it is as arguments of core code.
    pub(crate) flat: Vec<Core>,
    /// A value of it in WAVE.
    pub(crate) value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    I32,
    I64,
    F32,
    F64,
}

impl Core {
    pub(crate) const ALL: [Core; 4] = [Core::I32, Core::I64, Core::F32, Core::F64];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Core::I32 => "i32",
            Core::I64 => "i64",
            Core::F32 => "f32",
            Core::F64 => "f64",
        }
    }

    /// What two cases of a variant share.
    fn join(self, other: Core) -> Core {
        match (self, other) {
            _ if self == other => self,
            (Core::I32, Core::F32) | (Core::F32, Core::I32) => Core::I32,
            _ => Core::I64,
        }
    }
}

/// Makes types, and remembers the definitions that they need.
#[derive(Default)]
pub(crate) struct Types {
    pub(crate) definitions: String,
    named: usize,
}

impl Types {
    pub(crate) fn any(&mut self, choices: &mut Choices<'_>, levels: usize) -> Type {
        match choices.below(if levels == 0 { 14 } else { 24 }) {
            0 => simple(choices, "u32", Core::I32, &["0", "1", "7", "4294967295"]),
            1 => simple(choices, "s32", Core::I32, &["0", "-1", "2147483647"]),
            2 => simple(choices, "u8", Core::I32, &["0", "255"]),
            3 => simple(choices, "s16", Core::I32, &["-32768", "5"]),
            4 => simple(choices, "bool", Core::I32, &["true", "false"]),
            5 => simple(choices, "char", Core::I32, &["'a'", r"'\u{10ffff}'"]),
            6 => simple(choices, "u64", Core::I64, &["0", "18446744073709551615"]),
            7 => simple(choices, "s64", Core::I64, &["-1", "9223372036854775807"]),
            8 => simple(choices, "f32", Core::F32, &["0", "-1.5", "nan", "inf"]),
            9 => simple(choices, "f64", Core::F64, &["0", "1e300", "nan", "-inf"]),
            10 | 11 => {
                let value = choices.pick(&[r#""""#, r#""text""#, r#""ünï𝄞""#]);
                Type { text: "string".into(), flat: vec![Core::I32, Core::I32], value: value.into() }
            }
            12 => {
                let names = names(choices, 40);
                let value = format!("{{{}}}", names[..choices.below(names.len() + 1)].join(", "));
                let text = self.name(&format!("(flags {})", quoted(&names)));
                Type { text, flat: vec![Core::I32; names.len().div_ceil(32)], value }
            }
            13 => {
                let names = names(choices, 20);
                let text = self.name(&format!("(enum {})", quoted(&names)));
                Type { text, flat: vec![Core::I32], value: names[choices.below(names.len())].clone() }
            }
            14..=17 => {
                let of = self.any(choices, levels - 1);
                let values = vec![of.value.as_str(); choices.below(4)];
                let value = format!("[{}]", values.join(", "));
                Type { text: format!("(list {})", of.text), flat: vec![Core::I32, Core::I32], value }
            }
            18 => {
                let of = self.any(choices, levels - 1);
                let value = if choices.one_in(2) { "none".into() } else { format!("some({})", of.value) };
                Type { text: format!("(option {})", of.text), flat: variant(&[&[], &of.flat]), value }
            }
            19 => {
                let (ok, error) = (self.any(choices, levels - 1), self.any(choices, levels - 1));
                let text = format!("(result {} (error {}))", ok.text, error.text);
                let flat = variant(&[&ok.flat, &error.flat]);
                let value =
                    if choices.one_in(2) { format!("ok({})", ok.value) } else { format!("err({})", error.value) };
                Type { text, flat, value }
            }
            20 => {
                let parts = self.some(choices, levels - 1);
                let text = format!("(tuple {})", join(&parts, |part| part.text.clone(), " "));
                let value = format!("({})", join(&parts, |part| part.value.clone(), ", "));
                Type { text, flat: concat(&parts), value }
            }
            21 | 22 => {
                let parts = self.some(choices, levels - 1);
                let mut fields = String::new();
                let mut values = Vec::new();
                for (at, part) in parts.iter().enumerate() {
                    let _ = write!(fields, " (field \"f{at}\" {})", part.text);
                    values.push(format!("f{at}: {}", part.value));
                }
                let text = self.name(&format!("(record{fields})"));
                Type { text, flat: concat(&parts), value: format!("{{{}}}", values.join(", ")) }
            }
            _ => {
                let parts = self.some(choices, levels - 1);
                let mut cases = String::from(" (case \"nothing\")");
                for (at, part) in parts.iter().enumerate() {
                    let _ = write!(cases, " (case \"c{at}\" {})", part.text);
                }
                let text = self.name(&format!("(variant{cases})"));
                let flats: Vec<&[Core]> =
                    [&[][..]].into_iter().chain(parts.iter().map(|part| &part.flat[..])).collect();
                let at = choices.below(parts.len());
                Type { text, flat: variant(&flats), value: format!("c{at}({})", parts[at].value) }
            }
        }
    }

    fn some(&mut self, choices: &mut Choices<'_>, levels: usize) -> Vec<Type> {
        (0..1 + choices.below(4)).map(|_| self.any(choices, levels)).collect()
    }

    /// Gives a type a name, as these kinds must have one.
    fn name(&mut self, text: &str) -> String {
        let at = self.named;
        self.named += 1;
        let _ = write!(self.definitions, "\n  (type $of{at} {text})\n  (export $t{at} \"t{at}\" (type $of{at}))");
        format!("$t{at}")
    }
}

fn simple(choices: &mut Choices<'_>, text: &str, flat: Core, values: &[&str]) -> Type {
    Type { text: text.into(), flat: vec![flat], value: choices.pick(values).into() }
}

fn names(choices: &mut Choices<'_>, most: usize) -> Vec<String> {
    (0..1 + choices.below(most)).map(|at| format!("n{at}")).collect()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\" ")).collect()
}

fn join(types: &[Type], part: impl Fn(&Type) -> String, with: &str) -> String {
    types.iter().map(part).collect::<Vec<_>>().join(with)
}

fn concat(types: &[Type]) -> Vec<Core> {
    types.iter().flat_map(|ty| ty.flat.iter().copied()).collect()
}

fn variant(cases: &[&[Core]]) -> Vec<Core> {
    let mut joined: Vec<Core> = Vec::new();
    for case in cases {
        for (at, core) in case.iter().enumerate() {
            match joined.get_mut(at) {
                Some(there) => *there = there.join(*core),
                None => joined.push(*core),
            }
        }
    }
    joined.insert(0, Core::I32);
    joined
}
