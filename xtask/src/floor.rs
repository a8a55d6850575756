//! A byte at the floor of the memory, so that the image begins there.
//!
//! wasmtime maps the image from its first page that is not zero. What is below, the engine's stack, would be a mapping of its own in
//! each instance, and of those the system gives out a limited number (`vm.max_map_count`): two an instance in place of three, and
//! three in place of four where the memory has grown.

use anyhow::{Result, anyhow};
use wasm_encoder::{
    ConstExpr, DataSection, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{DataSectionReader, Parser};

/// An address on the first page, where the stack, which begins above, never reaches, and which is not the [brake's](crate::brake).
const FLOOR: i32 = 8;

/// The module with a byte there that is not zero.
pub(crate) fn marked(module: &[u8]) -> Result<Vec<u8>> {
    let mut result = Module::new();
    let done = Floor.parse_core_module(&mut result, Parser::new(0), module);
    done.map_err(|error| anyhow!("the core module cannot be rewritten: {error}"))?;
    Ok(result.finish())
}

struct Floor;

impl Reencode for Floor {
    type Error = std::convert::Infallible;

    fn data_count(&mut self, count: u32) -> Result<u32, Error> {
        Ok(count + 1)
    }

    fn parse_data_section(&mut self, data: &mut DataSection, section: DataSectionReader<'_>) -> Result<(), Error> {
        utils::parse_data_section(self, data, section)?;
        data.active(0, &ConstExpr::i32_const(FLOOR), [1]);
        Ok(())
    }
}
