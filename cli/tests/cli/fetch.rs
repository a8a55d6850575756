//! `fetch`, as it is granted on the command line.

use std::{io::Read as _, net::TcpListener, thread};

use super::*;

/// A server on loopback that greets whoever asks, and its place.
fn greeter() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    let greet = move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
        }
    };
    thread::Builder::new().spawn(greet).unwrap();
    place
}

fn source(url: &str) -> String {
    format!("(async () => (await (await fetch('{url}')).text()).length)()")
}

#[test]
fn what_a_rule_allows_is_fetched_by_each_command() {
    let place = greeter();
    let (script, allow) = (source(&place), ["--allow-fetch", &place]);
    aiointernal(&[&["eval"], &allow[..], &["--", &script]].concat()).prints("5\n");
    let folder = Folder::with_file("script.js", &script);
    let file = folder.0.join("script.js");
    aiointernal(&[&["run"], &allow[..], &[file.to_str().unwrap()]].concat()).prints("5\n");
    assert_eq!(batch(&allow, line(1, &script)), [done(1, 5)]);
    assert_eq!(batch(&[&["--fresh"], &allow[..]].concat(), line(1, &script)), [done(1, 5)]);
}

#[test]
fn a_name_leads_to_addresses_that_are_allowed() {
    let place = greeter().replace("127.0.0.1", "localhost");
    let script = source(&place);
    let refused = aiointernal(&["eval", "--allow-fetch", &place, "--", &script]);
    refused.fails_saying(1, &["TypeError", " leads to no address that is granted"]);
    aiointernal(&["eval", "--allow-fetch", &place, "--allow-fetch", "127.0.0.0/8", "--", &script]).prints("5\n");
}

#[test]
fn what_no_rule_allows_is_refused() {
    let ran = aiointernal(&["eval", "--allow-fetch", "POST https://a.test", "--", &source("https://a.test/")]);
    ran.fails_saying(1, &["TypeError: GET is not granted for https://a.test, only POST"]);
}

#[test]
fn what_is_no_rule_is_a_usage_error() {
    let ran = aiointernal(&["eval", "--allow-fetch", "https://a.test/path", "1"]);
    ran.fails_saying(2, &["\"https://a.test/path\" is no rule of what may be fetched", "nothing else"]);
    aiointernal(&["eval", "--allow-fetch", "10.0.0.0/33", "1"]).fails_saying(2, &["neither an address nor a range"]);
}
