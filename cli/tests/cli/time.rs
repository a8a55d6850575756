//! The clock, the seed and the time zone, as they are set on the command line.

use super::*;

#[test]
fn a_program_ends_when_no_timer_is_left() {
    let ran = aiointernal(&["eval", "setTimeout(() => console.log('later'), 20); 'now'"]);
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(0), "\"now\"\n", "later\n"));
    let ran = aiointernal(&["eval", "--timeout", "50ms", "setInterval(() => {}, 1); 1"]);
    ran.fails_saying(3, &["timeout", "50ms"]);
    let ran = aiointernal(&["eval", "setTimeout(() => { throw new Error('late') }); 1"]);
    ran.fails_saying(1, &["Error: late\n    at <anonymous> (<eval>:1:"]);
    let ran = aiointernal(&["eval", "(async () => { await null; throw new Error('unseen') })(); 1"]);
    ran.fails_saying(1, &["Error: unseen\n    at <anonymous> (<eval>:1:"]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_virtual_clock_and_a_seed_give_the_same_each_time_and_at_once() {
    let source = "setTimeout(() => console.log(Date.now(), Math.random()), 86_400_000); Math.random()";
    let arguments = ["eval", "--clock", "virtual", "--seed", "1", source];
    let first = aiointernal(&arguments);
    assert!(first.stderr.starts_with("86400000 0."), "{}", first.stderr);
    let again = aiointernal(&arguments);
    assert_eq!((again.stdout, again.stderr), (first.stdout, first.stderr));
    let day = ["eval", "--clock", "virtual", "await new Promise((done) => setTimeout(done, 86_400_000)); Date.now()"];
    aiointernal(&day).prints("86400000\n");
}

#[test]
fn a_clock_stands_where_it_is_told_to_and_local_time_is_that_of_the_zone() {
    let clock = ["--clock", "2026-01-31T12:00:00Z"];
    aiointernal(&[&["eval"], &clock[..], &["Date.now()"]].concat()).prints("1769860800000\n");
    let zone = [&["eval"], &clock[..], &["--tz", "Asia/Kolkata", "String(new Date())"]].concat();
    aiointernal(&zone).prints("\"Sat Jan 31 2026 17:30:00 GMT+0530\"\n");
}

#[test]
fn what_is_no_clock_seed_or_zone_is_refused() {
    aiointernal(&["eval", "--clock", "noon", "1"]).fails_saying(2, &["--clock", "2026-01-31T12:00:00Z"]);
    aiointernal(&["eval", "--seed", "-1", "1"]).fails(2);
    aiointernal(&["eval", "--tz", "Europe/Nowhere", "1"]).fails_saying(2, &["no time zone", "Europe/Nowhere"]);
}
