#![allow(missing_docs)]
use aiointernal::{Sandbox, js::Pool};
fn main() {
    if std::env::args().any(|a| a == "usage") {
        let sandbox = Sandbox::builder().max_contexts(4).build().unwrap();
        let c = sandbox.context().blocking().unwrap();
        println!("{:?}", c.memory_usage().blocking());
        for s in [
            "let a = []; for (let i = 0; i < 300; i++) a.push({i}); 0",
            "for (let j = 0; j < 1000; j++) { let a = []; for (let i = 0; i < 300; i++) a.push({i, b: [i]}); } 0",
            "for (let j = 0; j < 300000; j++) { ({j}); } 0",
            "JSON.parse(JSON.stringify(Array.from({length: 1000}, (_, i) => ({i})))).length",
        ] {
            let mut best = std::time::Duration::MAX;
            for _ in 0..15 {
                c.reset().blocking().unwrap();
                let t = std::time::Instant::now();
                c.eval(s).blocking().unwrap();
                best = best.min(t.elapsed());
            }
            println!("{best:?} {s}");
        }
        println!("{:?}", c.memory_usage().blocking());
        return;
    }
    let sandbox = Sandbox::builder().max_contexts(400).build().unwrap();
    let pool = Pool::new(&sandbox).unwrap();
    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sources: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    rt.block_on(async {
        let mut kept = Vec::new();
        for source in [None].into_iter().chain(sources.iter().map(Some)) {
            for i in 0..3 {
                let c = pool.context(format!("{source:?} {i}")).await.unwrap();
                if let Some(s) = source {
                    for s in s.split('|') {
                        c.eval(s).await.unwrap();
                    }
                }
                kept.push(c);
            }
        }
        println!("ready");
        std::io::stdin().read_line(&mut String::new()).unwrap();
    });
}
