//! Bulk memory in pieces, so that the deadline is looked at within it.
//!
//! An instruction that copies or fills memory is one step of compiled code, however much it moves, and new pages make it slow: 32 MiB
//! took milliseconds. Each is replaced with a call of a function that does the same in pieces of [`PIECE`], in a loop, which looks at the deadline
//! as every loop does. It is done to the finished module because such instructions come from C, from Rust and from its libraries.

use crate::brake::{refuse_reserved, trap};
use anyhow::{Result, anyhow};
use wasm_encoder::{
    BlockType, CodeSection, Function, FunctionSection, ImportSection, Instruction, InstructionSink, Module,
    TypeSection, ValType,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{CodeSectionReader, FunctionSectionReader, ImportSectionReader, Operator, Parser, TypeSectionReader};

/// Bytes that are moved without a look: 64 pages.
const PIECE: i32 = 256 << 10;

/// The module with its bulk memory in pieces.
pub(crate) fn in_pieces(module: &[u8]) -> Result<Vec<u8>> {
    let mut result = Module::new();
    let mut pieces = Pieces::default();
    let done = pieces.parse_core_module(&mut result, Parser::new(0), module);
    done.map_err(|error| anyhow!("the core module cannot be rewritten: {error}"))?;
    Ok(result.finish())
}

/// Indices of what is added at the end of each section.
#[derive(Default)]
struct Pieces {
    signature: u32,
    imported: u32,
    copy: u32,
    fill: u32,
}

impl Reencode for Pieces {
    type Error = std::convert::Infallible;

    fn parse_type_section(&mut self, types: &mut TypeSection, section: TypeSectionReader<'_>) -> Result<(), Error> {
        utils::parse_type_section(self, types, section)?;
        self.signature = types.len();
        types.ty().function([ValType::I32; 3], []);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error> {
        let kinds = section.clone().into_imports().map(|import| Ok(import?.ty));
        let kinds = kinds.collect::<Result<Vec<_>, Error>>()?;
        let functions = kinds.iter().filter(|kind| matches!(kind, wasmparser::TypeRef::Func(_)));
        self.imported = functions.count() as u32;
        utils::parse_import_section(self, imports, section)
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_function_section(self, functions, section)?;
        self.copy = self.imported + functions.len();
        self.fill = self.copy + 1;
        functions.function(self.signature).function(self.signature);
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: CodeSectionReader<'_>) -> Result<(), Error> {
        utils::parse_code_section(self, code, section)?;
        code.function(&copy()).function(&fill());
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error> {
        match operator {
            Operator::MemoryCopy { dst_mem: 0, src_mem: 0 } => Ok(Instruction::Call(self.copy)),
            Operator::MemoryFill { mem: 0 } => Ok(Instruction::Call(self.fill)),
            operator => utils::instruction(self, operator),
        }
    }
}

// Parameters of both functions; the second is where from, or what with.
const TO: u32 = 0;
const FROM: u32 = 1;
const COUNT: u32 = 2;

/// The places may overlap: from the end where it is copied upwards.
fn copy() -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    check(&mut code, &[TO, FROM]);
    code.loop_(BlockType::Empty);
    return_if_rest_is_small(&mut code, |code| code.memory_copy(0, 0));
    advance(&mut code, COUNT, -PIECE);
    code.local_get(FROM).local_get(TO).i32_lt_u().if_(BlockType::Empty);
    code.local_get(TO).local_get(COUNT).i32_add();
    code.local_get(FROM).local_get(COUNT).i32_add();
    code.i32_const(PIECE).memory_copy(0, 0).else_();
    code.local_get(TO).local_get(FROM).i32_const(PIECE).memory_copy(0, 0);
    advance(&mut code, TO, PIECE);
    advance(&mut code, FROM, PIECE);
    code.end().br(0).end().unreachable().end();
    function
}

fn fill() -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    check(&mut code, &[TO]);
    code.loop_(BlockType::Empty);
    return_if_rest_is_small(&mut code, |code| code.memory_fill(0));
    code.local_get(TO).local_get(FROM).i32_const(PIECE).memory_fill(0);
    advance(&mut code, TO, PIECE);
    advance(&mut code, COUNT, -PIECE);
    code.br(0).end().unreachable().end();
    function
}

/// Returns where there is nothing to do. Traps where a place is not within the memory from its beginning to its end, before anything is moved, as the
/// instructions do; then no sum of a place and a part of the count can wrap. And where it is written to is not the host's
/// [brake page](crate::brake).
fn check(code: &mut InstructionSink<'_>, places: &[u32]) {
    code.local_get(COUNT).i32_eqz().if_(BlockType::Empty).return_().end();
    for place in places {
        code.local_get(*place).i64_extend_i32_u().local_get(COUNT).i64_extend_i32_u().i64_add();
        code.memory_size(0).i64_extend_i32_u().i64_const(16).i64_shl();
        code.i64_gt_u().if_(BlockType::Empty);
        trap(code);
        code.end();
    }
    refuse_reserved(code, TO);
}

fn return_if_rest_is_small(
    code: &mut InstructionSink<'_>,
    last: impl for<'a, 'b> FnOnce(&'a mut InstructionSink<'b>) -> &'a mut InstructionSink<'b>,
) {
    code.local_get(COUNT).i32_const(PIECE).i32_le_u().if_(BlockType::Empty);
    last(code.local_get(TO).local_get(FROM).local_get(COUNT)).return_().end();
}

fn advance(code: &mut InstructionSink<'_>, local: u32, by: i32) {
    code.local_get(local).i32_const(by).i32_add().local_set(local);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use wasm_encoder::{ExportKind, ExportSection, MemorySection, MemoryType};
    use wasmparser::Payload;
    use wasmtime::{Engine, Instance, Store};

    use super::*;
    use crate::brake::RESERVED;

    const SIZE: usize = 2 << 20;

    /// A module that exports its memory, and functions that are one instruction each.
    fn plain() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32; 3], []);
        let mut functions = FunctionSection::new();
        functions.function(0).function(0);
        let mut memories = MemorySection::new();
        let pages = (SIZE >> 16) as u64;
        memories.memory(MemoryType {
            minimum: pages,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0).export("copy", ExportKind::Func, 0).export(
            "fill",
            ExportKind::Func,
            1,
        );
        let mut code = CodeSection::new();
        for instruction in [Instruction::MemoryCopy { src_mem: 0, dst_mem: 0 }, Instruction::MemoryFill(0)] {
            let mut function = Function::new([]);
            function.instructions().local_get(TO).local_get(FROM).local_get(COUNT);
            function.instruction(&instruction).instructions().end();
            code.function(&function);
        }
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
        module.finish()
    }

    /// How often memory is copied and filled by an instruction, in all modules within.
    fn instructions(wasm: &[u8]) -> (usize, usize) {
        let (mut copies, mut fills) = (0, 0);
        for payload in Parser::new(0).parse_all(wasm) {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else { continue };
            for operator in body.get_operators_reader().unwrap() {
                match operator.unwrap() {
                    Operator::MemoryCopy { .. } => copies += 1,
                    Operator::MemoryFill { .. } => fills += 1,
                    _ => {}
                }
            }
        }
        (copies, fills)
    }

    #[test]
    fn memory_is_copied_and_filled_as_by_the_instructions() {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let module = wasmtime::Module::new(&engine, in_pieces(&plain()).unwrap()).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let copy = instance.get_typed_func::<(u32, u32, u32), ()>(&mut store, "copy").unwrap();
        let fill = instance.get_typed_func::<(u32, u32, u32), ()>(&mut store, "fill").unwrap();
        let mut expected: Vec<u8> = (0..SIZE).map(|place| ((place / 7) ^ (place >> 11)) as u8).collect();
        memory.write(&mut store, 0, &expected).unwrap();

        let piece = PIECE as usize;
        let counts = [0, 1, piece - 1, piece, piece + 1, 2 * piece, 3 * piece + 5];
        let first = RESERVED as usize;
        let places = [first, first + 1, first + 100, piece, piece + 1, 3 * piece - 7, SIZE - 4 * piece];
        for count in counts {
            for to in places {
                for from in [0, 1].into_iter().chain(places) {
                    copy.call(&mut store, (to as u32, from as u32, count as u32)).unwrap();
                    expected.copy_within(from..from + count, to);
                    assert!(memory.data(&store) == expected, "{count} bytes from {from} to {to}");
                }
                fill.call(&mut store, (to as u32, (count % 251) as u32, count as u32 / 2)).unwrap();
                expected[to..to + count / 2].fill((count % 251) as u8);
                assert!(memory.data(&store) == expected, "{} bytes at {to}", count / 2);
            }
        }

        // The sum of a place and a count that is 4 GiB and more is not a place at the beginning.
        let before = memory.data(&store).to_vec();
        for (to, from, count) in
            [(-0x1000, 0x10_0000, PIECE + 0x1000), (first as i32, -PIECE, 2 * PIECE), (0x10_0000, first as i32, -2)]
        {
            assert!(copy.call(&mut store, (to as u32, from as u32, count as u32)).is_err());
        }
        assert!(fill.call(&mut store, (-0x1000_i32 as u32, 7, PIECE as u32 + 0x1000)).is_err());
        assert!(memory.data(&store) == before, "nothing was moved");

        let beyond = (SIZE - piece) as u32;
        for to in [0, 1, RESERVED as u32 - 1] {
            assert!(copy.call(&mut store, (to, beyond, 1)).is_err(), "{to}");
            assert!(fill.call(&mut store, (to, 1, 1)).is_err(), "{to}");
        }
        assert!(copy.call(&mut store, (beyond, 0, 2 * PIECE as u32)).is_err());
        assert!(copy.call(&mut store, (first as u32, beyond, 2 * PIECE as u32)).is_err());
        assert!(fill.call(&mut store, (beyond, 0, u32::MAX)).is_err());
    }

    #[test]
    fn the_engine_has_no_other_bulk_memory() {
        assert_eq!(instructions(&plain()), (1, 1));
        let engine = fs::read(crate::root().join("host/guest.wasm")).unwrap();
        assert_eq!(instructions(&engine), instructions(&in_pieces(&plain()).unwrap()));
    }
}
