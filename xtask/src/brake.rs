//! Steps at which the host can stop the engine without the engine's help: in every loop and every function it writes to its brake page.
//!
//! The page is the first of its memory. When the host takes the right to write it away, the next step traps. Such a step is one instruction
//! that needs no register; the check of an epoch, which serves the same end, is a comparison and a call, and made QuickJS a sixth
//! slower. It is done to the finished module, so no code of C or Rust is without, and nothing that a script does to the engine's
//! memory takes an instruction away.
//!
//! While the page is closed, the host itself must not write there. It writes where the engine tells it to: where `cabi_realloc`
//! answered, and where an import is to leave its results. Both are looked at here, in code that a script cannot change, and so is
//! where memory is copied and filled, which are functions of the host ([`crate::bulk_memory`]).

use std::{collections::HashMap, convert::Infallible, mem};

use anyhow::{Context as _, Result, anyhow, bail};
use wasm_encoder::{
    BlockType, CodeSection, ExportSection, Function, FunctionSection, InstructionSink, MemArg, MemoryType, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, Export, ExternalKind, FunctionBody, FunctionSectionReader, KnownCustom,
    Name, Operator, Parser, Payload, TypeRef,
};
use wit_parser::{WorldItem, abi::AbiVariant};

/// Addresses below are nothing that the host may be told to write to: as many as the largest page has.
pub(crate) const RESERVED: i32 = 64 << 10;

/// The function whose outermost loop has no step, as it has steps of its own: `guest/patches/quickjs.c/leaf_loop.h`.
const LEAF: &str = "leaf_loop";

/// Functions that are to call no other, `guest/patches/libregexp.c/regexp_loop.h` among them.
const LEAVES: [&str; 2] = [LEAF, "regexp_loop"];

/// Pages of 64 KiB that the memory may have: less than 2 GiB. The leaf loop has steps at jumps back only. It jumps forward by less than 2 GiB, so that it
/// comes to the end of the memory and traps, and not around it, even where a script has written the instructions.
const MAX_PAGES: u64 = 0x7fff;

/// What the canonical interface allocates with.
const REALLOC: &str = "cabi_realloc";

/// The module with a step in every loop and every function.
pub(crate) fn fit(module: &[u8]) -> Result<Vec<u8>> {
    let mut brake = Brake::new(module)?;
    let mut result = Module::new();
    let done = brake.parse_core_module(&mut result, Parser::new(0), module);
    done.map_err(|error| anyhow!("the core module cannot be rewritten: {error}"))?;
    Ok(result.finish())
}

/// Writes to the brake page.
fn step(code: &mut InstructionSink<'_>) {
    code.i32_const(0).i32_const(0).i32_store(MemArg { offset: 0, align: 2, memory_index: 0 });
}

/// Traps where an address is one that the host may not be told to write to. As memory that is not there: there the stack ends.
pub(crate) fn refuse_reserved(code: &mut InstructionSink<'_>, address: u32) {
    code.local_get(address).i32_const(RESERVED).i32_lt_u().if_(BlockType::Empty);
    trap(code);
    code.end();
}

/// Traps as an access beyond the memory does.
pub(crate) fn trap(code: &mut InstructionSink<'_>) {
    code.i32_const(-1).i32_load(MemArg { offset: 0, align: 2, memory_index: 0 }).drop();
}

/// Whether compiled code calls for it, if only a function of the host's.
fn is_call(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::CallRef { .. }
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. }
            | Operator::MemoryGrow { .. }
            | Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
    )
}

/// A function that calls another behind a look at an address.
#[derive(Debug, PartialEq)]
struct Guard {
    ty: u32,
    parameters: u32,
    calls: u32,
}

/// What there is in the module; behind its functions, the guards are added.
#[derive(Debug)]
struct Brake {
    functions: u32,
    imported: u32,
    /// Of imports, whose last parameter is where the host leaves their results.
    imports: Vec<Guard>,
    /// Of `cabi_realloc`: size and result say what the host may write.
    realloc: Guard,
    leaf: u32,
}

impl Brake {
    fn new(module: &[u8]) -> Result<Brake> {
        let known = known_imports(module)?;
        let (mut parameters, mut types, mut imports) = (Vec::new(), Vec::new(), Vec::new());
        let (mut imported, mut realloc, mut leaves) = (0, None, [None; LEAVES.len()]);
        let mut calling = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        parameters.push(ty?.params().len() as u32);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else { continue };
                        let name = (import.module.to_owned(), import.name.to_owned());
                        // What makes and drops resources has numbers only.
                        let is_of_resource = import.name.starts_with("[resource-");
                        let leaves_results = known.get(&name).or(is_of_resource.then_some(&false));
                        let Some(leaves_results) = leaves_results else {
                            bail!(
                                "the core module imports {} {}, which its world does not",
                                import.module,
                                import.name
                            );
                        };
                        if *leaves_results {
                            imports.push(Guard { ty, parameters: parameters[ty as usize], calls: types.len() as u32 });
                        }
                        types.push(ty);
                    }
                    imported = types.len() as u32;
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        types.push(ty?);
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut calls = false;
                    for operator in body.get_operators_reader()? {
                        let operator = operator?;
                        if matches!(operator, Operator::MemoryInit { .. }) {
                            bail!("the core module fills memory from data, which is a function of the host's");
                        }
                        calls |= is_call(&operator);
                    }
                    calling.push(calls);
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let Export { name, kind, index } = export?;
                        if name == REALLOC && kind == ExternalKind::Func {
                            let ty = types[index as usize];
                            realloc = Some(Guard { ty, parameters: parameters[ty as usize], calls: index });
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    let KnownCustom::Name(names) = section.as_known() else { continue };
                    for names in names {
                        let Name::Function(names) = names? else { continue };
                        for name in names {
                            let name = name?;
                            if let Some(at) = LEAVES.iter().position(|leaf| *leaf == name.name) {
                                leaves[at] = Some(name.index);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        for (name, index) in LEAVES.iter().zip(leaves) {
            let index = index.with_context(|| format!("the core module has no {name}"))?;
            let calls = index.checked_sub(imported).and_then(|defined| calling.get(defined as usize));
            if *calls.with_context(|| format!("{name} is imported"))? {
                bail!("{name} calls a function, so that what it keeps in registers goes to memory");
            }
        }
        let realloc = realloc.with_context(|| format!("the core module has no {REALLOC}"))?;
        let leaf = leaves[0].with_context(|| format!("the core module has no {LEAF}"))?;
        Ok(Brake { functions: types.len() as u32, imported, imports, realloc, leaf })
    }

    fn guards(&self) -> impl Iterator<Item = &Guard> {
        self.imports.iter().chain([&self.realloc])
    }
}

/// The imports by module and name, and whether the last parameter is where the host leaves their results.
fn known_imports(module: &[u8]) -> Result<HashMap<(String, String), bool>> {
    let (_, bindings) = wit_component::metadata::decode(module)?;
    let resolve = bindings.resolve;
    let mut found = HashMap::new();
    for item in resolve.worlds[bindings.world].imports.values() {
        let WorldItem::Interface { id, .. } = item else { continue };
        let interface = resolve.id_of(*id).context("an interface has no name")?;
        for function in resolve.interfaces[*id].functions.values() {
            let leaves_results = resolve.wasm_signature(AbiVariant::GuestImport, function).retptr;
            found.insert((interface.clone(), function.name.clone()), leaves_results);
        }
    }
    Ok(found)
}

impl Reencode for Brake {
    type Error = Infallible;

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_function_section(self, functions, section)?;
        for guard in self.guards() {
            functions.function(guard.ty);
        }
        Ok(())
    }

    fn memory_type(&mut self, ty: wasmparser::MemoryType) -> Result<MemoryType, Error> {
        Ok(MemoryType { maximum: Some(MAX_PAGES), ..utils::memory_type(self, ty) })
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error> {
        if export.name == REALLOC {
            let guard = self.functions + self.imports.len() as u32;
            exports.export(REALLOC, wasm_encoder::ExportKind::Func, guard);
            return Ok(());
        }
        utils::parse_export(self, exports, export)
    }

    /// Names were for this; nothing else is told by them.
    fn parse_custom_section(&mut self, module: &mut Module, section: CustomSectionReader<'_>) -> Result<(), Error> {
        if section.name() == "name" { Ok(()) } else { utils::parse_custom_section(self, module, section) }
    }

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        let guard = self.imports.iter().position(|guard| guard.calls == function);
        Ok(guard.map_or(function, |guard| self.functions + guard as u32))
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        step(&mut function.instructions());
        let mut has_own_steps = self.imported + code.len() == self.leaf;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            let is_loop = matches!(operator, Operator::Loop { .. });
            function.instruction(&self.instruction(operator)?);
            if is_loop && !mem::take(&mut has_own_steps) {
                step(&mut function.instructions());
            }
        }
        code.function(&function);
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: CodeSectionReader<'_>) -> Result<(), Error> {
        utils::parse_code_section(self, code, section)?;
        for guard in &self.imports {
            code.function(&import_guard(guard));
        }
        code.function(&realloc_guard(&self.realloc));
        Ok(())
    }
}

fn import_guard(guard: &Guard) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    refuse_reserved(&mut code, guard.parameters - 1);
    for parameter in 0..guard.parameters {
        code.local_get(parameter);
    }
    code.call(guard.calls).end();
    function
}

/// What has no size is not written to, and has any address.
fn realloc_guard(guard: &Guard) -> Function {
    const SIZE: u32 = 3;
    let address = guard.parameters;
    let mut function = Function::new([(1, wasm_encoder::ValType::I32)]);
    let mut code = function.instructions();
    for parameter in 0..guard.parameters {
        code.local_get(parameter);
    }
    code.call(guard.calls).local_set(address);
    code.local_get(SIZE).if_(BlockType::Empty);
    refuse_reserved(&mut code, address);
    code.end().local_get(address).end();
    function
}

#[cfg(test)]
mod tests {
    use std::fs;

    use wasm_encoder::{
        EntityType, ExportKind, ImportSection, MemorySection, TypeSection,
        ValType::{self, I32},
    };
    use wasmtime::{Engine, Instance, Module as CoreModule, Store, Trap};

    use super::*;

    /// What a function begins with.
    fn is_step(operators: &[Operator<'_>]) -> bool {
        matches!(
            operators,
            [Operator::I32Const { value: 0 }, Operator::I32Const { value: 0 }, Operator::I32Store { memarg }, ..]
                if memarg.offset == 0 && memarg.memory == 0
        )
    }

    /// The step of the leaf loop, which is not of ours.
    fn is_own_step(operators: &[Operator<'_>]) -> bool {
        matches!(
            operators,
            [Operator::I32Const { value }, Operator::I32Const { value: 0 }, Operator::I32Store { memarg }]
                if *value as u64 + memarg.offset == 4
        )
    }

    #[test]
    fn every_function_and_every_loop_of_the_engine_has_a_step_but_one_loop_and_the_guards() {
        let component = fs::read(crate::root().join("host/guest.wasm")).unwrap();
        let (mut functions, mut loops, mut without) = (0, 0, 0);
        let mut guards = 0;
        let mut module = 0;
        for payload in Parser::new(0).parse_all(&component) {
            let body = match payload.unwrap() {
                Payload::ModuleSection { .. } => {
                    module += 1;
                    continue;
                }
                Payload::CodeSectionEntry(body) => body,
                _ => continue,
            };
            let operators = body.get_operators_reader().unwrap().into_iter().collect::<Result<Vec<_>, _>>().unwrap();
            // The other modules are made by wit-component: they pass calls on, and have no loops.
            let is_loop = |operator: &Operator<'_>| matches!(operator, Operator::Loop { .. });
            if module > 1 {
                assert!(!operators.iter().any(is_loop));
                continue;
            }
            functions += 1;
            if !is_step(&operators) {
                // A guard looks at an address and calls one function, which has a step or is the host's.
                assert!(!operators.iter().any(is_loop), "a function with a loop has no step");
                guards += 1;
            }
            for place in (0..operators.len()).filter(|place| is_loop(&operators[*place])) {
                loops += 1;
                if !is_step(&operators[place + 1..]) {
                    without += 1;
                    assert!(operators[place..].windows(3).any(is_own_step), "the leaf loop has no step of its own");
                    assert!(!operators.iter().any(is_call), "the leaf loop has calls");
                }
            }
        }
        assert!(functions > 1000 && loops > 1000, "{functions} functions, {loops} loops");
        assert_eq!((without, guards), (1, 8));
    }

    /// A module that only has two guards, and what they call: a host that is told where to leave results, and an allocator
    /// that answers with its first argument.
    fn guards() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([I32, I32], []);
        types.ty().function([ValType::I32; 4], [I32]);
        let mut imports = ImportSection::new();
        imports.import("host", "leave", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        functions.function(1).function(0).function(1);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum: 2, maximum: None, memory64: false, shared: false, page_size_log2: None });
        let mut exports = ExportSection::new();
        exports.export("leave", ExportKind::Func, 2).export("realloc", ExportKind::Func, 3);
        let mut code = CodeSection::new();
        let mut realloc = Function::new([]);
        realloc.instructions().local_get(0).end();
        code.function(&realloc);
        code.function(&import_guard(&Guard { ty: 0, parameters: 2, calls: 0 }));
        code.function(&realloc_guard(&Guard { ty: 1, parameters: 4, calls: 1 }));
        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&memories)
            .section(&exports)
            .section(&code);
        module.finish()
    }

    #[test]
    fn the_host_is_never_told_to_write_to_the_brake_page() {
        let engine = Engine::default();
        let mut store = Store::new(&engine, 0_u32);
        let module = CoreModule::new(&engine, guards()).unwrap();
        let mut linker = wasmtime::Linker::new(&engine);
        let left = |mut caller: wasmtime::Caller<'_, u32>, _: u32, place: u32| *caller.data_mut() = place;
        linker.func_wrap("host", "leave", left).unwrap();
        let instance: Instance = linker.instantiate(&mut store, &module).unwrap();
        let leave = instance.get_typed_func::<(u32, u32), ()>(&mut store, "leave").unwrap();
        let realloc = instance.get_typed_func::<(u32, u32, u32, u32), u32>(&mut store, "realloc").unwrap();
        let is_outside = |error: wasmtime::Error| error.downcast_ref::<Trap>() == Some(&Trap::MemoryOutOfBounds);

        let first = RESERVED as u32;
        for place in [0, 4, 4095, 4096, first - 1] {
            assert!(is_outside(leave.call(&mut store, (first, place)).unwrap_err()), "{place}");
            assert!(is_outside(realloc.call(&mut store, (place, 0, 1, 1)).unwrap_err()), "{place}");
            // What has no size is not written.
            assert_eq!(realloc.call(&mut store, (place, 0, 1, 0)).unwrap(), place);
        }
        assert_eq!(*store.data(), 0, "the host was not reached");
        for place in [first, first + 1, u32::MAX] {
            leave.call(&mut store, (0, place)).unwrap();
            assert_eq!(*store.data(), place);
            assert_eq!(realloc.call(&mut store, (place, 0, 1, 1)).unwrap(), place);
        }
    }
    /// A module with what [`fit`] asks for, and these functions.
    fn module(leaf: &str, functions: &str) -> Vec<u8> {
        let text = format!(
            "(module
                (memory (export \"memory\") 1)
                (global $zero (mut i32) (i32.const 0))
                (func $leaf_loop {leaf})
                (func $regexp_loop)
                (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) local.get 0)
                {functions})"
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn the_leaf_loop_has_no_calls() {
        fit(&module("(loop $again (br $again))", "")).unwrap();
        let calls = [
            "(call $other)",
            "(loop $again (call $other) (br $again))",
            "(memory.copy (i32.const 0) (i32.const 0) (i32.const 9))",
            "(return_call $other)",
        ];
        for leaf in calls {
            let error = fit(&module(leaf, "(func $other)")).unwrap_err();
            assert!(error.to_string().contains("leaf_loop calls a function"), "{leaf}: {error}");
        }
    }

    /// What Cranelift makes of steps: it takes a store away that it knows to change nothing.
    #[cfg(unix)]
    mod compiled {
        use std::{
            sync::{
                atomic::{AtomicU32, Ordering},
                mpsc,
            },
            thread,
            time::Duration,
        };

        use wasmtime::{Config, WasmBacktrace};

        use super::*;

        /// Functions that go on for ever, each in one of its loops.
        const FOREVER: [&str; 9] = [
            "(func $forever (loop $again (br $again)))",
            "(func $forever (loop (loop $again (br $again))))",
            "(func $forever (loop $again (loop) (br $again)))",
            "(func $forever (loop $again (loop $inner (br_if $inner (global.get $zero))) (br $again)))",
            // It leaves the inner loop behind a second step.
            "(func $forever (loop $again (block $out (loop (br_if $out (i32.eqz (global.get $zero))) (loop (br $again)))) (br $again)))",
            "(func $forever (i32.store (i32.const 8192) (i32.const 0)) (loop $again (br $again)) (i32.store (i32.const 8192) (i32.const 0)))",
            "(func $forever (local i32) (loop $again (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br $again)))",
            "(func $forever (loop $again (drop (i32.load (i32.const 0))) (br $again)))",
            "(func $forever (loop $again (call $other) (br $again))) (func $other)",
        ];

        /// Where `run` writes that it has begun.
        const BEGUN: usize = 32 << 10;

        /// Runs what goes on for ever, closes its page meanwhile, and says where in the module it traps.
        #[expect(unsafe_code, reason = "the system's call that takes a right away is unsafe by nature")]
        fn trapped_at(engine: &Engine, module: &[u8]) -> usize {
            let compiled = CoreModule::new(engine, module).unwrap();
            let mut store = Store::new(engine, ());
            let instance = Instance::new(&mut store, &compiled, &[]).unwrap();
            let memory = instance.get_memory(&mut store, "memory").unwrap().data_ptr(&store).expose_provenance();
            let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
            let (sender, ended) = mpsc::channel();
            let running = move || {
                let error = run.call(&mut store, ()).unwrap_err();
                let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
                assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::MemoryOutOfBounds));
                sender.send(frames[0].module_offset().unwrap()).unwrap();
            };
            thread::Builder::new().spawn(running).unwrap();
            // SAFETY: it is in the memory, which is there until the page is closed.
            let begun = unsafe { AtomicU32::from_ptr(std::ptr::with_exposed_provenance_mut(memory + BEGUN)) };
            while begun.load(Ordering::Acquire) == 0 {
                thread::yield_now();
            }
            // SAFETY: the first page of the memory, which nobody writes to but the module.
            let closed =
                unsafe { libc::mprotect(std::ptr::with_exposed_provenance_mut(memory), 4096, libc::PROT_READ) };
            assert_eq!(closed, 0);
            ended.recv_timeout(Duration::from_secs(60)).expect("it does not see that its page is closed")
        }

        #[test]
        fn every_loop_keeps_its_step_in_compiled_code() {
            // As the host compiles.
            let mut config = Config::new();
            config.memory_reservation(4 << 30).memory_may_move(false).cranelift_nan_canonicalization(true);
            let engine = Engine::new(&config).unwrap();
            for forever in FOREVER {
                let run =
                    format!("(func (export \"run\") (i32.store (i32.const {BEGUN}) (i32.const 1)) (call $forever))");
                let module = fit(&module("", &format!("{run} {forever}"))).unwrap();
                let begin = step_of(&module, 3);
                // One that was stopped as it began says nothing of its loop.
                let in_loop = (0..1000).any(|_| trapped_at(&engine, &module) != begin);
                assert!(in_loop, "{forever}");
            }
        }

        /// Where the first step of a function is in the module.
        fn step_of(module: &[u8], function: usize) -> usize {
            let mut bodies = Parser::new(0).parse_all(module).filter_map(|payload| match payload.unwrap() {
                Payload::CodeSectionEntry(body) => Some(body),
                _ => None,
            });
            let operators = bodies.nth(function).unwrap().get_operators_reader().unwrap();
            let mut operators = operators.into_iter_with_offsets().map(Result::unwrap);
            operators.find(|(operator, _)| matches!(operator, Operator::I32Store { .. })).unwrap().1
        }
    }
}
