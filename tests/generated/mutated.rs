//! Components that somebody wrote, changed: their core modules so that they stay valid, or any of their bytes.

use wasm_mutate::WasmMutate;

use crate::choices::Choices;

/// Bytes before the first section.
const HEADER: usize = 8;

const CORE_MODULE: u8 = 1;

/// Effort that one change of a core module may take.
const FUEL: u64 = 100;

/// One of these components, changed.
pub(crate) fn component(choices: &mut Choices<'_>, originals: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut wasm = originals[choices.below(originals.len())].clone();
    for _ in 0..1 + choices.below(3) {
        match choices.below(12) {
            0 => bytes(choices, &mut wasm),
            1 => sections(choices, &mut wasm, originals),
            _ => core_module(choices, &mut wasm, seed),
        }
    }
    wasm
}

/// Changes single bytes.
fn bytes(choices: &mut Choices<'_>, wasm: &mut Vec<u8>) {
    for _ in 0..1 + choices.below(3) {
        let at = HEADER + (choices.below(256) << 8 | choices.below(256)) % (wasm.len() - HEADER).max(1);
        match choices.below(3) {
            0 if at < wasm.len() => wasm[at] = choices.byte(),
            1 if at < wasm.len() => wasm[at] ^= 1 << choices.below(8),
            _ => wasm.truncate(at),
        }
    }
}

/// Leaves a section out, writes it twice, or puts one of another component in its place.
fn sections(choices: &mut Choices<'_>, wasm: &mut Vec<u8>, originals: &[Vec<u8>]) {
    let donor = &originals[choices.below(originals.len())];
    let (all, others) = (split(wasm), split(donor));
    if all.is_empty() || others.is_empty() {
        return;
    }
    let at = choices.below(all.len());
    let mut parts: Vec<&[u8]> = all.iter().map(|section| section.bytes).collect();
    match choices.below(3) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(at, parts[at]),
        _ => parts[at] = others[choices.below(others.len())].bytes,
    }
    *wasm = [&wasm[..HEADER], &parts.concat()].concat();
}

/// Changes a core module, in what it does as well.
fn core_module(choices: &mut Choices<'_>, wasm: &mut Vec<u8>, seed: u64) {
    let all = split(wasm);
    let modules: Vec<usize> = (0..all.len()).filter(|at| all[*at].bytes[0] == CORE_MODULE).collect();
    if modules.is_empty() {
        return;
    }
    let at = modules[choices.below(modules.len())];
    let mut mutate = WasmMutate::default();
    mutate.seed(seed).fuel(FUEL).preserve_semantics(false);
    let first = mutate.run(all[at].contents).ok().and_then(|mut changed| changed.next()?.ok());
    let Some(module) = first else { return };
    let mut section = vec![CORE_MODULE];
    write_length(&mut section, module.len());
    section.extend(module);
    let mut parts: Vec<&[u8]> = all.iter().map(|section| section.bytes).collect();
    parts[at] = &section;
    *wasm = [&wasm[..HEADER], &parts.concat()].concat();
}

struct Section<'a> {
    /// With its kind and length.
    bytes: &'a [u8],
    contents: &'a [u8],
}

/// The sections that are whole.
fn split(wasm: &[u8]) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let mut rest = wasm.get(HEADER..).unwrap_or_default();
    while let Some((start, length)) = read_length(rest) {
        let Some(contents) = rest.get(start..start + length) else { break };
        sections.push(Section { bytes: &rest[..start + length], contents });
        rest = &rest[start + length..];
    }
    sections
}

/// Where the contents of the section that is here begin, and their length.
fn read_length(section: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0_usize;
    for (at, byte) in section.iter().enumerate().skip(1).take(5) {
        length |= usize::from(byte & 0x7f) << (7 * (at - 1));
        if byte & 0x80 == 0 {
            return Some((at + 1, length));
        }
    }
    None
}

fn write_length(section: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        section.push(length as u8 | 0x80);
        length >>= 7;
    }
    section.push(length as u8);
}
