//! Sources and modules in TypeScript.

use super::*;

#[test]
fn a_file_is_typescript_by_its_name() {
    run_file("a.ts", "enum A { B = 1 }\nconst a: A = A.B; ({ a } satisfies object)", &[]).prints("{\"a\":1}\n");
    run_file("a.cts", "1 as number", &[]).prints("1\n");
    for name in ["a.ts", "a.mts"] {
        let ran = run_file(name, "export const a: number = await 1; console.log(a as number)", &[]);
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "", "1\n"), "{name}");
    }
}

#[test]
fn a_program_of_several_files_runs() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/typescript/program");
    let folder = Folder::with_file(
        "main.ts",
        "import { lines } from './program/main.ts'; lines.forEach((line: string) => console.log(line))",
    );
    for file in ["main.ts", "log.ts", "inventory.mts", "defaults.json", "geometry/shapes.ts", "geometry/measure.ts"] {
        let path = folder.0.join("program").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(program.join(file), path).unwrap();
    }
    let ran = aiointernal(&["run", folder.0.join("main.ts").to_str().unwrap()]);
    assert_eq!(ran.stderr, fs::read_to_string(program.join("expected.txt")).unwrap());
    assert_eq!(ran.status, Some(0));
}

#[test]
fn an_option_says_that_sources_are_typescript() {
    aiointernal(&["eval", "--ts", "(1 as number) + 1"]).prints("2\n");
    feed(&["eval", "--ts", "-"], "let a: number = 2; a").prints("2\n");
    run_file("a.txt", "let a: number = 2; a", &["--ts"]).prints("2\n");
    run_file("a.js", "let a: number = 2; a", &["--ts", "--format", "text"]).prints("2\n");
    for fresh in [&["--ts"][..], &["--ts", "--fresh"]] {
        assert_eq!(batch(fresh, line(1, "let a: number = 2; a")), [done(1, 2)]);
    }
    feed(&["repl", "--ts"], "let a: number = 1\na as number\nenum B {\n  C\n}\nB.C\n")
        .prints("undefined\n1\nundefined\n0\n");
    aiointernal(&["eval", "let a: number"]).fails_saying(1, &["SyntaxError"]);
}

#[test]
fn what_does_not_parse_is_told_with_its_place() {
    let ran = run_file("a.ts", "let a: number = 1\nlet b: = 2", &[]);
    assert!(ran.fails(1).starts_with("SyntaxError: ") && ran.stderr.ends_with("\n    at a.ts:2:8\n"), "{ran:?}");
    run_file("a.ts", "interface A {}\n\nthrow new Error('x') as A", &[])
        .fails_saying(1, &["Error: x\n    at <eval> (a.ts:3:11)"]);
}
