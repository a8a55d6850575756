//! Components that nobody wrote: valid most of the time, and as likely to loop, trap, grow or lie as not.

use std::fmt::Write as _;

use crate::{
    choices::Choices,
    types::{Core, Type, Types},
};

/// Arguments, or a result, of more core values than this are in memory.
const FLAT_ARGUMENTS: usize = 16;

/// A component as WAT, and calls of all that it exports.
pub(crate) struct Component {
    pub(crate) text: String,
    pub(crate) calls: Vec<String>,
}

struct Function {
    name: String,
    parameters: Vec<Type>,
    result: Option<Type>,
    core_parameters: Vec<Core>,
    core_result: Option<Core>,
}

/// A component for every sequence of choices.
pub(crate) fn component(choices: &mut Choices<'_>) -> Component {
    let mut types = Types::default();
    let count = 1 + choices.below(4);
    let functions: Vec<Function> = (0..count).map(|at| function(choices, &mut types, at)).collect();

    let mut module = String::new();
    let pages = choices.pick(&[1, 2, 16, 100, 1000]);
    let most = if choices.one_in(2) { format!(" {}", pages + choices.below(20)) } else { String::new() };
    let _ = write!(module, "\n    (memory (export \"memory\") {pages}{most})");
    let _ = write!(module, "\n    (table $table 8 {} funcref)", 8 + choices.below(200) * 100);
    let data: String = (0..choices.below(40)).map(|_| format!("\\{:02x}", data_byte(choices))).collect();
    let _ = write!(module, "\n    (data (i32.const {}) \"{data}\")", choices.pick(&[0, 8, 64]));
    module += "\n    (global $count (mut i32) (i32.const 1024))\n    (global $wide (mut i64) (i64.const -1))";
    for function in &functions {
        let name = &function.name;
        core_function(&mut module, choices, &functions, name, &function.core_parameters, function.core_result);
        let after: Vec<Core> = function.core_result.into_iter().collect();
        core_function(&mut module, choices, &functions, &format!("{name}-after"), &after, None);
    }
    core_function(&mut module, choices, &functions, "odd-realloc", &[Core::I32; 4], Some(Core::I32));
    core_function(&mut module, choices, &functions, "start", &[], None);
    module += BUMP;
    if choices.one_in(6) {
        module += "\n    (start $start)";
    }
    let elements: String = functions.iter().map(|function| format!(" ${}", function.name)).collect();
    let _ = write!(module, "\n    (elem (table $table) (i32.const 1) func{elements})");

    let realloc = if choices.one_in(4) { "odd-realloc" } else { "realloc" };
    let mut text = format!(
        "(component{}\n  (core module $m{module})\n  (core instance $i (instantiate $m))\
         \n  (alias core export $i \"memory\" (core memory $memory))\
         \n  (alias core export $i \"{realloc}\" (core func $realloc))",
        types.definitions,
    );
    for function in &functions {
        let name = &function.name;
        let _ = write!(text, "\n  (func (export \"{name}\")");
        for (at, parameter) in function.parameters.iter().enumerate() {
            let _ = write!(text, " (param \"p{at}\" {})", parameter.text);
        }
        if let Some(result) = &function.result {
            let _ = write!(text, " (result {})", result.text);
        }
        let encoding = choices.pick(&["utf8", "utf8", "utf16", "latin1+utf16"]);
        let _ = write!(
            text,
            "\n    (canon lift (core func $i \"{name}\") (memory $memory) (realloc $realloc) string-encoding={encoding}",
        );
        if choices.one_in(3) {
            let _ = write!(text, " (post-return (core func $i \"{name}-after\"))");
        }
        text += "))";
    }
    text += ")\n";
    let calls = functions.iter().map(call).collect();
    Component { text, calls }
}

const BUMP: &str = r#"
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $start i32)
      (local.set $start (i32.and (i32.add (global.get $count) (i32.const 7)) (i32.const -8)))
      (global.set $count (i32.add (local.get $start) (local.get 3)))
      (local.get $start))"#;

fn function(choices: &mut Choices<'_>, types: &mut Types, at: usize) -> Function {
    let parameters: Vec<Type> = (0..choices.below(4)).map(|_| types.any(choices, 2)).collect();
    let result = (!choices.one_in(8)).then(|| types.any(choices, 3));
    let mut core_parameters: Vec<Core> = parameters.iter().flat_map(|ty| ty.flat.iter().copied()).collect();
    if core_parameters.len() > FLAT_ARGUMENTS {
        core_parameters = vec![Core::I32];
    }
    let core_result = result.as_ref().map(|ty| if let [one] = ty.flat[..] { one } else { Core::I32 });
    Function { name: format!("f{at}"), parameters, result, core_parameters, core_result }
}

fn call(function: &Function) -> String {
    let values: Vec<&str> = function.parameters.iter().map(|parameter| parameter.value.as_str()).collect();
    format!("{}({})", function.name, values.join(", "))
}

fn data_byte(choices: &mut Choices<'_>) -> u8 {
    if choices.one_in(2) { choices.byte() } else { choices.pick(&[0, 0, 0, 1, 8, 16, 64, 255]) }
}

/// Writes a core function. It may call those that the table has, and itself.
fn core_function(
    module: &mut String,
    choices: &mut Choices<'_>,
    functions: &[Function],
    name: &str,
    parameters: &[Core],
    result: Option<Core>,
) {
    let _ = write!(module, "\n    (func ${name} (export \"{name}\")");
    for parameter in parameters {
        let _ = write!(module, " (param {})", parameter.text());
    }
    if let Some(result) = result {
        let _ = write!(module, " (result {})", result.text());
    }
    let mut body = Body { text: module, choices, functions, parameters };
    for _ in 0..body.choices.below(4) {
        body.text.push_str("\n      ");
        body.statement(2);
    }
    if let Some(result) = result {
        body.text.push_str("\n      ");
        body.expression(result, 3);
    }
    module.push(')');
}

struct Body<'t, 'c, 'b> {
    text: &'t mut String,
    choices: &'t mut Choices<'c>,
    functions: &'b [Function],
    parameters: &'b [Core],
}

impl Body<'_, '_, '_> {
    fn statement(&mut self, levels: usize) {
        match self.choices.below(if levels == 0 { 6 } else { 14 }) {
            0 | 1 => self.nested("i32.store offset=0", &[Core::I32, Core::I32], levels),
            2 => self.nested("i64.store offset=8", &[Core::I32, Core::I64], levels),
            3 => self.nested("f64.store", &[Core::I32, Core::F64], levels),
            4 => self.nested("global.set $count", &[Core::I32], levels),
            5 => self.nested("global.set $wide", &[Core::I64], levels),
            6 => self.nested("memory.fill", &[Core::I32; 3], levels),
            7 => self.nested("memory.copy", &[Core::I32; 3], levels),
            8 => {
                self.text.push_str("(drop ");
                self.nested("memory.grow", &[Core::I32], levels);
                self.text.push(')');
            }
            9 => {
                self.text.push_str("(drop ");
                self.nested("table.grow $table (ref.null func)", &[Core::I32], levels);
                self.text.push(')');
            }
            10 => {
                self.text.push_str("(loop ");
                self.statement(levels - 1);
                self.text.push(' ');
                self.nested("br_if 0", &[Core::I32], levels);
                self.text.push(')');
            }
            11 => {
                self.text.push_str("(if ");
                self.expression(Core::I32, levels - 1);
                self.text.push_str(" (then ");
                self.statement(levels - 1);
                self.text.push_str("))");
            }
            12 => {
                let core = self.choices.pick(&Core::ALL);
                self.text.push_str("(drop ");
                self.expression(core, levels - 1);
                self.text.push(')');
            }
            _ => match self.choices.below(4) {
                0 => self.text.push_str("(unreachable)"),
                1 => self.text.push_str("(call $start)"),
                _ => self.nested("call_indirect $table", &[Core::I32], levels),
            },
        }
    }

    fn expression(&mut self, core: Core, levels: usize) {
        let ty = core.text();
        if levels == 0 || self.choices.is_empty() {
            return self.constant(core);
        }
        match self.choices.below(12) {
            0..=2 => self.constant(core),
            3 | 4 => match self.parameters.iter().position(|parameter| *parameter == core) {
                Some(at) => drop(write!(self.text, "(local.get {at})")),
                None => self.constant(core),
            },
            5 | 6 => self.nested(&format!("{ty}.load"), &[Core::I32], levels),
            7 => {
                let callable = self.functions.iter().find(|function| function.core_result == Some(core));
                match callable {
                    Some(function) => {
                        let operation = format!("call ${}", function.name);
                        self.nested(&operation, &function.core_parameters, levels);
                    }
                    None => self.constant(core),
                }
            }
            8 => {
                let _ = write!(self.text, "(if (result {ty}) ");
                self.expression(Core::I32, levels - 1);
                for arm in [" (then ", ") (else "] {
                    self.text.push_str(arm);
                    self.expression(core, levels - 1);
                }
                self.text.push_str("))");
            }
            _ => match core {
                Core::I32 => match self.choices.below(5) {
                    0 => self.text.push_str("(global.get $count)"),
                    1 => self.nested("i32.trunc_f64_s", &[Core::F64], levels),
                    2 => self.nested("i32.wrap_i64", &[Core::I64], levels),
                    _ => {
                        self.binary(core, &["add", "sub", "mul", "div_u", "rem_s", "and", "shl", "lt_u", "eq"], levels)
                    }
                },
                Core::I64 => match self.choices.below(4) {
                    0 => self.text.push_str("(global.get $wide)"),
                    1 => self.nested("i64.extend_i32_s", &[Core::I32], levels),
                    _ => self.binary(core, &["add", "sub", "mul", "div_s", "rem_u", "xor", "shr_u"], levels),
                },
                Core::F32 | Core::F64 => self.binary(core, &["add", "mul", "div", "min", "copysign"], levels),
            },
        }
    }

    fn binary(&mut self, core: Core, operations: &[&str], levels: usize) {
        let operation = format!("{}.{}", core.text(), self.choices.pick(operations));
        self.nested(&operation, &[core, core], levels);
    }

    fn nested(&mut self, operation: &str, operands: &[Core], levels: usize) {
        let _ = write!(self.text, "({operation}");
        for operand in operands {
            self.text.push(' ');
            self.expression(*operand, levels.saturating_sub(1));
        }
        self.text.push(')');
    }

    fn constant(&mut self, core: Core) {
        let value = match core {
            Core::I32 | Core::I64 => {
                self.choices.pick(&["0", "1", "2", "8", "16", "64", "100", "1000", "65536", "-1", "0x7fffffff", "-8"])
            }
            Core::F32 | Core::F64 => self.choices.pick(&["0", "1.5", "-0", "nan", "inf", "1e30"]),
        };
        let _ = write!(self.text, "({}.const {value})", core.text());
    }
}
