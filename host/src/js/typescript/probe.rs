//! Temporary: what stack the library takes.
use std::{process::Command, time::Instant};

const UNITS: &[(&str, &str, &str)] = &[
    ("(", "1", ")"),
    ("[", "", "]"),
    ("({a:", "1", "})"),
    ("{", "", "}"),
    ("`${", "1", "}`"),
    ("()=>{", "", "}"),
    ("!", "1", ""),
    ("typeof ", "1", ""),
    ("a=", "1", ""),
    ("a=>", "1", ""),
    ("a?", "1", ":1"),
    ("a?1:", "1", ""),
    ("a**", "1", ""),
    ("if(1)", ";", ""),
    ("if(1);else ", ";", ""),
    ("while(1)", ";", ""),
    ("do ", ";", " while(1)"),
    ("a:", ";", ""),
    ("new ", "a", ""),
    ("class extends ", "a", "{}"),
    ("class{a=", "1", "}"),
    ("function f(a=", "1", "){}"),
    ("(a=", "1", ")"),
    ("(a=", "1", ")=>1"),
    ("async(a=", "1", ")=>1"),
    ("f(", "1", ")"),
    ("f<T>(", "1", ")"),
    ("a<", "b", ""),
    ("type A=[", "1", "]"),
    ("f<", "A", ">()"),
    ("let [a=", "1", "]=1"),
    ("namespace a.", "b{}", ""),
    ("namespace a{", "", "}"),
    ("try{", "", "}finally{}"),
    ("switch(1){case 1:", "", "}"),
    ("await ", "1", ""),
    ("-", "1", ""),
    ("- ", "1", ""),
    ("void ", "1", ""),
    ("f(function(){", "", "})"),
    ("for(;;)", ";", ""),
    ("with(a)", ";", ""),
    ("label:", ";", ""),
    ("<A>", "1", ""),
    ("a?(b):", "1", ""),
    ("a?(", "1", "):1"),
    ("@(", "a", ")class A{}"),
    ("class A{@(", "a", ")b}"),
    ("({...", "1", "})"),
    ("({[", "1", "]:1})"),
    ("({get a(){", "", "}})"),
    ("return ", "1", ""),
    ("yield ", "1", ""),
    ("import(", "1", ")"),
    ("a??(", "1", ")"),
    ("a,(", "1", ")"),
    ("a||b&&(", "1", ")"),
    ("a+b*", "1", ""),
    ("<T,>(a=", "1", ")=>1"),
    ("(a:A=", "1", ")=>1"),
    ("((a)=>", "1", ")"),
    ("([a=", "1", "])=>1"),
    ("({a=", "1", "})=>1"),
    ("a+", "1", ""),
    ("a.", "b", ""),
    ("a", "", "()"),
    ("a", "", "[0]"),
    ("a", "", "!"),
    ("a", " as T", " as T"),
    ("a", "``", "``"),
    ("a&&", "1", ""),
    ("a,", "1", ""),
    ("a<b,", "1", ""),
    ("f<a,", "b", ">()"),
];
const TYPES: &[(&str, &str, &str)] = &[
    ("(", "A", ")"),
    ("[", "A", "]"),
    ("{a:", "A", "}"),
    ("A<", "A", ">"),
    ("keyof ", "A", ""),
    ("()=>", "A", ""),
    ("new()=>", "A", ""),
    ("A extends B?", "C", ":D"),
    ("A extends B?C:", "D", ""),
    ("A[", "B", "]"),
    ("A", "", "[]"),
    ("`${", "A", "}`"),
    ("readonly ", "A[]", ""),
    ("|", "A", ""),
    ("A|", "A", ""),
    ("A&", "A", ""),
    ("{[a in ", "A", "]:B}"),
    ("typeof a.", "b", ""),
    ("A.", "B", ""),
    ("asserts a is ", "A", ""),
    ("(a:", "A", ")=>B"),
    ("infer A extends ", "B", ""),
    ("<T>()=>", "A", ""),
    ("<T extends ", "A", ">()=>B"),
    ("A extends infer B extends ", "C", "?D:E"),
    ("import('a').A<", "B", ">"),
    ("A extends (", "B", ")?C:D"),
    ("{a():", "A", "}"),
    ("(a?:", "A", ")=>B"),
    ("abstract new()=>", "A", ""),
    ("[...", "A", "]"),
    ("[a:", "A", "]"),
    ("[a?:", "A", "]"),
    ("unique ", "symbol", ""),
    ("{a(b:", "A", "):B}"),
];

fn text(unit: usize, times: usize) -> String {
    if let Some((a, b, c)) = UNITS.get(unit) {
        return format!("{}{b}{}", a.repeat(times), c.repeat(times));
    }
    let (a, b, c) = TYPES[unit - UNITS.len()];
    format!("type X = {}{b}{}", a.repeat(times), c.repeat(times))
}

#[test]
fn probe_child() {
    let Ok(probe) = std::env::var("PROBE") else { return };
    let parts: Vec<usize> = probe.split(',').map(|part| part.parse().unwrap()).collect();
    let text = text(parts[0], parts[1]);
    let parse_only = parts[3] == 1;
    let start = Instant::now();
    let said = std::thread::Builder::new()
        .stack_size(parts[2])
        .spawn(move || {
            if parse_only {
                let allocator = oxc_allocator::Allocator::default();
                let parsed =
                    oxc_parser::Parser::new(&allocator, &text, oxc_span::SourceType::ts().with_unambiguous(true))
                        .parse();
                let said = parsed.diagnostics.errors().next().map(|error| error.message.to_string());
                said.map_or("ok".to_owned(), |said| said)
            } else {
                match super::on_thread("a.ts", &text, super::Goal::Either) {
                    Ok(stripped) => format!("ok {}", stripped.text.len()),
                    Err(error) => format!("{} {}", error.class, error.message),
                }
            }
        })
        .unwrap()
        .join()
        .unwrap();
    println!("PROBED {:?} {said}", start.elapsed());
}

fn runs(unit: usize, times: usize, stack: usize, parse_only: usize) -> Option<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["js::typescript::probe::probe_child", "--exact", "--nocapture"])
        .env("PROBE", format!("{unit},{times},{stack},{parse_only}"))
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| out.lines().find_map(|line| line.split_once("PROBED ")).map(|(_, said)| said.to_owned()).unwrap())
}

#[test]
fn probe() {
    let Ok(what) = std::env::var("PROBE_ALL") else { return };
    let parse_only = usize::from(what == "parse");
    let stack = 8 << 20;
    for unit in 0..UNITS.len() + TYPES.len() {
        let (mut fits, mut fails) = (1, 0);
        let most = if parse_only == 1 { 40_000 } else { 4_900 };
        while fails == 0 || fails - fits > fits / 8 + 1 {
            let times = if fails == 0 { fits * 4 } else { (fits + fails) / 2 };
            if times > most && fails == 0 {
                break;
            }
            if runs(unit, times, stack, parse_only).is_some() { fits = times } else { fails = times }
        }
        let said = runs(unit, fits, stack, parse_only).unwrap_or_default();
        println!(
            "{:>7} bytes a unit{} {:?} x{fits}: {said}",
            stack / fits,
            if fails == 0 { " (or fewer)" } else { "" },
            text(unit, 1)
        );
    }
}
