//! An exported function, and its type as WIT text.

use std::fmt::{self, Write};

use wasmtime::component::{
    Component, ComponentExportIndex, Val,
    types::{ComponentFunc, ComponentItem, Type},
};

/// Bytes of the text of a type or of a list of functions. A small component can have types of megabytes.
const TEXT: usize = 4 << 10;

/// Bytes that a flag of a value takes: its place in a vector that grew, and its name.
const FLAG: usize = 2 * size_of::<String>() + 16;

/// A function that a component exports. `Display` shows it as WIT does, with types written out:
/// `add: func(a: u32, b: u32) -> u32`. A long type is cut, with `...` at its end.
#[derive(Clone)]
pub struct Function {
    name: String,
    pub(super) index: ComponentExportIndex,
    pub(super) parameters: Vec<(String, Type)>,
    pub(super) result: Option<Type>,
    pub(super) is_async: bool,
}

impl Function {
    /// All functions that a component exports, those within its interfaces too.
    pub(super) fn of(component: &Component) -> Vec<Function> {
        let mut functions = Vec::new();
        let mut add = |name: String, index: Option<ComponentExportIndex>, function: &ComponentFunc| {
            functions.extend(index.map(|index| Function {
                name,
                index,
                parameters: function.params().map(|(name, ty)| (name.to_owned(), ty)).collect(),
                result: function.results().next(),
                is_async: function.async_(),
            }));
        };
        let engine = component.engine();
        for (name, export) in component.component_type().exports(engine) {
            let index = component.get_export_index(None, name);
            match export.ty {
                ComponentItem::ComponentFunc(function) => add(name.to_owned(), index, &function),
                ComponentItem::ComponentInstance(interface) => {
                    for (inner, export) in interface.exports(engine) {
                        if let ComponentItem::ComponentFunc(function) = export.ty {
                            let index = component.get_export_index(index.as_ref(), inner);
                            add(format!("{name}#{inner}"), index, &function);
                        }
                    }
                }
                _ => {}
            }
        }
        functions
    }

    /// Its name: `add`, or of one within an interface `example:math/basic@1.0.0#add`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it goes by this name: all of it, or without the version, or without the interface.
    pub(super) fn goes_by(&self, name: &str) -> bool {
        let Some((interface, bare)) = self.name.split_once('#') else {
            return self.name == name;
        };
        let unversioned = interface.split_once('@').map_or(interface, |(interface, _)| interface);
        name == bare || name.split_once('#') == Some((unversioned, bare))
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Cut::of(|text| {
            write!(text, "{}: {}func(", self.name, if self.is_async { "async " } else { "" })?;
            write_fields(text, self.parameters.iter().map(|(name, ty)| (name.as_str(), ty.clone())))?;
            text.write_str(")")?;
            match &self.result {
                Some(result) => {
                    text.write_str(" -> ")?;
                    write_type(text, result)
                }
                None => Ok(()),
            }
        });
        f.write_str(&text)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({self})")
    }
}

/// The text of a type.
pub(super) fn type_text(ty: &Type) -> String {
    Cut::of(|text| write_type(text, ty))
}

/// The text of many functions, or as many as fit.
pub(super) fn list(functions: &[Function]) -> String {
    if functions.is_empty() {
        return "it exports no functions".to_owned();
    }
    let listed = Cut::of(|text| functions.iter().try_for_each(|function| write!(text, "\n  {function}")));
    format!("it exports:{listed}")
}

/// A text that ends where it becomes too long.
struct Cut(String);

impl Cut {
    fn of(write: impl FnOnce(&mut Cut) -> fmt::Result) -> String {
        let mut text = Cut(String::new());
        if write(&mut text).is_err() {
            text.0.push_str("...");
        }
        text.0
    }
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len().saturating_add(text.len()) > TEXT {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// What of a type has no text, where there is such a thing in it.
pub(super) fn has_no_text(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Own(_) | Type::Borrow(_) => Some("a resource"),
        Type::Future(_) => Some("a future"),
        Type::Stream(_) => Some("a stream"),
        Type::ErrorContext => Some("an error-context"),
        Type::Map(_) => Some("a map"),
        Type::List(list) => has_no_text(&list.ty()),
        Type::FixedLengthList(list) => has_no_text(&list.ty()),
        Type::Option(option) => has_no_text(&option.ty()),
        Type::Record(record) => record.fields().find_map(|field| has_no_text(&field.ty)),
        Type::Tuple(tuple) => tuple.types().find_map(|ty| has_no_text(&ty)),
        Type::Variant(variant) => variant.cases().find_map(|case| has_no_text(&case.ty?)),
        Type::Result(result) => [result.ok(), result.err()].iter().flatten().find_map(has_no_text),
        _ => None,
    }
}

/// How much more memory a value of a type may take than wasmtime counts of it. Of flags it counts the letters of their
/// names, and makes a `String` of each that is set.
pub(super) fn weight(ty: &Type) -> usize {
    match ty {
        Type::List(list) => weight(&list.ty()),
        Type::Option(option) => weight(&option.ty()),
        Type::Record(record) => heaviest(record.fields().map(|field| field.ty)),
        Type::Tuple(tuple) => heaviest(tuple.types()),
        Type::Variant(variant) => heaviest(variant.cases().filter_map(|case| case.ty)),
        Type::Result(result) => heaviest([result.ok(), result.err()].into_iter().flatten()),
        Type::Flags(flags) => {
            let counted = flags.names().map(str::len).fold(size_of::<Val>(), usize::saturating_add);
            let taken = flags.names().count().saturating_mul(FLAG).saturating_add(counted);
            taken.checked_div(counted).unwrap_or(1)
        }
        _ => 1,
    }
}

fn heaviest(types: impl Iterator<Item = Type>) -> usize {
    types.map(|ty| weight(&ty)).max().unwrap_or(1)
}

fn write_type(text: &mut Cut, ty: &Type) -> fmt::Result {
    match ty {
        Type::Bool => text.write_str("bool"),
        Type::S8 => text.write_str("s8"),
        Type::U8 => text.write_str("u8"),
        Type::S16 => text.write_str("s16"),
        Type::U16 => text.write_str("u16"),
        Type::S32 => text.write_str("s32"),
        Type::U32 => text.write_str("u32"),
        Type::S64 => text.write_str("s64"),
        Type::U64 => text.write_str("u64"),
        Type::Float32 => text.write_str("f32"),
        Type::Float64 => text.write_str("f64"),
        Type::Char => text.write_str("char"),
        Type::String => text.write_str("string"),
        Type::ErrorContext => text.write_str("error-context"),
        Type::Own(_) => text.write_str("own<resource>"),
        Type::Borrow(_) => text.write_str("borrow<resource>"),
        Type::Future(_) => text.write_str("future"),
        Type::Stream(_) => text.write_str("stream"),
        Type::Map(map) => write_generic(text, "map", &[Some(map.key()), Some(map.value())]),
        Type::List(list) => write_generic(text, "list", &[Some(list.ty())]),
        Type::FixedLengthList(list) => {
            text.write_str("list<")?;
            write_type(text, &list.ty())?;
            write!(text, ", {}>", list.len())
        }
        Type::Option(option) => write_generic(text, "option", &[Some(option.ty())]),
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => text.write_str("result"),
            (ok, None) => write_generic(text, "result", &[ok]),
            (ok, err) => write_generic(text, "result", &[ok, err]),
        },
        Type::Tuple(tuple) => write_generic(text, "tuple", &tuple.types().map(Some).collect::<Vec<_>>()),
        Type::Enum(cases) => write_braces(text, "enum", |text| write_names(text, cases.names())),
        Type::Flags(flags) => write_braces(text, "flags", |text| write_names(text, flags.names())),
        Type::Record(record) => {
            write_braces(text, "record", |text| write_fields(text, record.fields().map(|field| (field.name, field.ty))))
        }
        Type::Variant(variant) => write_braces(text, "variant", |text| {
            separated(text, variant.cases(), |text, case| {
                text.write_str(case.name)?;
                match &case.ty {
                    Some(ty) => {
                        text.write_str("(")?;
                        write_type(text, ty)?;
                        text.write_str(")")
                    }
                    None => Ok(()),
                }
            })
        }),
    }
}

/// `list<u8>`; a type that is not there is `_`.
fn write_generic(text: &mut Cut, name: &str, types: &[Option<Type>]) -> fmt::Result {
    write!(text, "{name}<")?;
    separated(text, types.iter(), |text, ty| match ty {
        Some(ty) => write_type(text, ty),
        None => text.write_str("_"),
    })?;
    text.write_str(">")
}

/// `name { ... }`
fn write_braces(text: &mut Cut, name: &str, inside: impl FnOnce(&mut Cut) -> fmt::Result) -> fmt::Result {
    write!(text, "{name} {{ ")?;
    inside(text)?;
    text.write_str(" }")
}

fn write_fields<'a>(text: &mut Cut, fields: impl Iterator<Item = (&'a str, Type)>) -> fmt::Result {
    separated(text, fields, |text, (name, ty)| {
        write!(text, "{name}: ")?;
        write_type(text, &ty)
    })
}

fn write_names<'a>(text: &mut Cut, names: impl Iterator<Item = &'a str>) -> fmt::Result {
    separated(text, names, |text, name| text.write_str(name))
}

fn separated<T>(
    text: &mut Cut,
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut Cut, T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.enumerate() {
        if at > 0 {
            text.write_str(", ")?;
        }
        write(text, item)?;
    }
    Ok(())
}
