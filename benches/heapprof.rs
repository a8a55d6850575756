#![allow(missing_docs)]
use aiointernal::{Sandbox, js::Pool};
fn main() {
    let sandbox = Sandbox::builder().max_contexts(400).build().unwrap();
    let pool = Pool::new(&sandbox).unwrap();
    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sources: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    rt.block_on(async {
        let mut kept = Vec::new();
        for source in [None].into_iter().chain(sources.iter().map(Some)) {
            for i in 0..3 { let c = pool.context(format!("{source:?} {i}")).await.unwrap(); if let Some(s) = source { for s in s.split('|') { c.eval(s).await.unwrap(); } } kept.push(c); }
        }
        println!("ready"); 
        std::io::stdin().read_line(&mut String::new()).unwrap();
    });
}
