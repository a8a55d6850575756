//! Values made at random, out and in.

use aiointernal_guest::ResultForm;
use minicbor::{
    Decoder, Encoder,
    data::{Tag, Type},
};

use crate::{
    call_encoded, case_file, engine, eval, hex,
    notation::{float, read},
    random::Random,
    render, set,
};

type Sink = Encoder<Vec<u8>>;

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

/// Writes a value in the form that the engine writes it in.
fn write(random: &mut Random, out: &mut Sink, depth: usize) -> Written {
    match random.below(if depth == 0 { 10 } else { 13 }) {
        0 => drop(out.undefined()?),
        1 => drop(out.null()?),
        2 => drop(out.bool(random.below(2) == 0)?),
        3 => drop(out.i64((random.next() as i64) >> (11 + random.below(52)))?),
        4 => write_float(out, f64::from_bits(random.next()))?,
        5 if random.below(2) == 0 => {
            let special =
                [-0.0, 0.0, f64::NAN, f64::INFINITY, -f64::INFINITY, f64::MIN_POSITIVE, 9_007_199_254_740_992.0];
            write_float(out, special[random.below(special.len())])?;
        }
        5 => write_float(out, f64::from(f32::from_bits(random.next() as u32)))?,
        6 => drop(out.str(&random.text())?),
        7 => drop(out.bytes(&random.bytes(300))?),
        8 => {
            let mut magnitude = random.bytes(40);
            magnitude.drain(..magnitude.iter().take_while(|byte| **byte == 0).count());
            out.tag(Tag::new(2 + random.below(2) as u64))?.bytes(&magnitude)?;
        }
        9 if random.below(2) == 0 => write_buffer(out, &random.bytes(20))?,
        9 => {
            let millis = (random.next() as i64) % 8_640_000_000_000_001;
            out.tag(Tag::new(1))?;
            write_float(out, millis as f64 / 1000.0)?;
        }
        10 | 11 => {
            let length = random.below(6);
            out.array(length as u64)?;
            for _ in 0..length {
                write(random, out, depth - 1)?;
            }
        }
        _ => {
            let length = random.below(6);
            out.map(length as u64)?;
            for index in 0..length {
                // Names that are no integers keep their order, and the last letter makes each of them another.
                out.str(&format!("{}{}", random.text(), (b'a' + index as u8) as char))?;
                write(random, out, depth - 1)?;
            }
        }
    }
    Ok(())
}

fn write_buffer(out: &mut Sink, bytes: &[u8]) -> Written {
    out.tag(Tag::new(27))?.array(2)?.str("ArrayBuffer")?.bytes(bytes)?;
    Ok(())
}

fn write_float(out: &mut Sink, float: f64) -> Written {
    if float.is_nan() {
        out.f32(f32::NAN)?;
    } else if float.trunc() == float
        && float.abs() < 9_007_199_254_740_992.0
        && !(float == 0.0 && float.is_sign_negative())
    {
        out.i64(float as i64)?;
    } else if f64::from(float as f32) == float {
        out.f32(float as f32)?;
    } else {
        out.f64(float)?;
    }
    Ok(())
}

#[test]
fn random_values_come_back_as_they_were() {
    let (engine, _) = engine();
    eval(
        engine,
        "const same = (value) => value; const copy = (value) => Array.isArray(value) ? value.map(copy) : value",
    )
    .unwrap();
    let mut random = Random(1);
    for round in 0..3000 {
        let mut out = Encoder::new(Vec::new());
        write(&mut random, &mut out, 5).expect("a vector takes every byte");
        let value = out.into_writer();
        assert_eq!(set(engine, "value", &value), Ok(()), "round {round}: {}", render(&value));
        assert_eq!(
            engine.get_global("value", ResultForm::Value).as_ref(),
            Ok(&value),
            "round {round}: {}",
            render(&value)
        );
        for function in ["same", "copy"] {
            assert_eq!(
                call_encoded(engine, function, std::slice::from_ref(&value)).as_ref(),
                Ok(&value),
                "round {round}"
            );
        }
    }
}

#[test]
fn random_values_are_what_javascript_takes_them_for() {
    let (engine, _) = engine();
    // Written by JavaScript in the notation of `render`.
    let show = r"const show = (v) => {
        const hex = (bytes) => `h'${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}'`;
        switch (typeof v) {
            case 'bigint': return v + 'n';
            case 'string': return 'text of ' + [...v].map((c) => c.codePointAt(0)).join();
            case 'object': break;
            default: return Object.is(v, -0) ? '-0' : String(v);
        }
        if (v === null) return 'null';
        if (Array.isArray(v)) return '[' + v.map(show).join(', ') + ']';
        if (v instanceof Date) return `date(${v.getTime()})`;
        if (v instanceof Uint8Array) return hex(v);
        if (v instanceof ArrayBuffer) return `ArrayBuffer(${hex(new Uint8Array(v))})`;
        return '{' + Object.entries(v).map(([name, value]) => show(name) + ': ' + show(value)).join(', ') + '}';
    }";
    eval(engine, show).unwrap();
    let mut random = Random(2);
    for _ in 0..1000 {
        let mut out = Encoder::new(Vec::new());
        write(&mut random, &mut out, 3).expect("a vector takes every byte");
        let value = out.into_writer();
        let shown = call_encoded(engine, "show", std::slice::from_ref(&value)).expect("the function returns a text");
        let shown = minicbor::decode::<&str>(&shown).expect("a text").to_owned();
        let mut decoder = Decoder::new(&value);
        assert_eq!(shown, show_in_rust(&mut decoder).expect("it was just written"), "{}", hex(&value));
    }
}

/// As [`read`], with texts as their code points and numbers as JavaScript writes them.
fn show_in_rust(from: &mut Decoder<'_>) -> Result<String, minicbor::decode::Error> {
    let text = |text: &str| {
        format!("text of {}", text.chars().map(|c| u32::from(c).to_string()).collect::<Vec<_>>().join(","))
    };
    Ok(match from.datatype()? {
        Type::String => text(from.str()?),
        Type::F32 | Type::F64 => javascript_digits(float(from)?),
        Type::Array => {
            let length = from.array()?.expect("a definite length");
            case_file::array(&(0..length).map(|_| show_in_rust(from)).collect::<Result<Vec<_>, _>>()?)
        }
        Type::Map => {
            let length = from.map()?.expect("a definite length");
            let properties = (0..length).map(|_| Ok(format!("{}: {}", text(from.str()?), show_in_rust(from)?)));
            format!("{{{}}}", properties.collect::<Result<Vec<_>, minicbor::decode::Error>>()?.join(", "))
        }
        _ => read(from, &mut 0)?,
    })
}

/// `Number.prototype.toString`, from the shortest digits, which Rust and JavaScript agree about.
fn javascript_digits(number: f64) -> String {
    if !number.is_finite() || number == 0.0 {
        return case_file::number(number);
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("the exponent is always there");
    let (digits, exponent) = (mantissa.replace('.', ""), exponent.parse::<i32>().expect("an exponent"));
    let count = digits.len() as i32;
    let sign = if number < 0.0 { "-" } else { "" };
    let body = match exponent {
        0..=20 if count <= exponent + 1 => format!("{digits}{}", "0".repeat((exponent + 1 - count) as usize)),
        0..=20 => format!("{}.{}", &digits[..=exponent as usize], &digits[exponent as usize + 1..]),
        -6..=-1 => {
            format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize))
        }
        _ => {
            let fraction = if count > 1 { format!(".{}", &digits[1..]) } else { String::new() };
            format!("{}{fraction}e{}{}", &digits[..1], if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
    };
    format!("{sign}{body}")
}
