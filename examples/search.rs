//! A component that is not JavaScript on a thread of its own: full-text search, of `guests/search`.
//! `cargo run --release -p aiointernal-examples --example search`.

use std::sync::Arc;

use aiointernal::{
    Error, Limits,
    component::{Config, Data, Engine, Program, wasmtime},
};
use futures_util::TryStreamExt as _;
use wasmtime::{Store, component::Linker};

mod bindings {
    use aiointernal::component::wasmtime;

    wasmtime::component::bindgen!({ path: "guests/search/wit", wasmtime_crate: aiointernal::component::wasmtime });
}

use bindings::{
    SearchEngine, SearchEnginePre,
    exports::example::search::search::{Document, Settings},
};

const WASM: &[u8] = include_bytes!("guests/search/search.wasm");

/// The component, linked: it imports nothing.
struct Search(SearchEnginePre<Data<()>>);

impl Program for Search {
    type Host = ();
    type Exports = SearchEngine;

    fn host(&self) -> wasmtime::Result<()> {
        Ok(())
    }

    fn instantiate(&self, store: &mut Store<Data<()>>, _: &Limits) -> wasmtime::Result<SearchEngine> {
        self.0.instantiate(store)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Once a program.
    let engine = Engine::new(Config::default())?;
    let component = engine.compile(WASM)?;
    let linked = Search(SearchEnginePre::new(engine.link(&component, &Linker::new(engine.wasmtime()))?)?);

    let mut limits = Limits::default();
    limits.memory = 16 << 20;
    let search = engine.open(linked, limits).await?;

    // A plain function.
    let terms = search.try_call(|search, running| {
        search.enter(running, |store, exports| {
            exports.example_search_search().call_terms(store, "It must never leave its thread.")
        })
    });
    println!("terms: {}", terms.await?.join(", "));

    // A resource: it lives in the component. What stands for it here knows of which instance it is, and can go to any thread.
    let index = search.try_call(|search, running| {
        let index = search.enter(running, |store, exports| {
            let settings = Settings { documents: 1000, document_bytes: 64 << 10 };
            exports.example_search_search().index().call_constructor(store, settings)
        })?;
        Ok::<_, Error>(Arc::new(search.hold(index)))
    });
    let index = index.await?;
    for (id, text) in [
        ("queue", "A call takes a place in the bounded queue and waits for its turn."),
        ("worker", "The worker owns the object; it takes a call from the queue, and then the next."),
        ("reply", "The reply wakes the task that waits, wherever that runs."),
    ] {
        let index = Arc::clone(&index);
        let added = search.try_call(move |search, running| {
            let index = search.held(&index)?;
            search.enter(running, |store, exports| {
                let document = Document { id: id.to_owned(), text: text.to_owned() };
                exports.example_search_search().index().call_add(store, index, &document)
            })
        });
        added.await?.map_err(|failure| format!("{failure:?}"))?;
    }

    // A stream that is pulled, a few hits at a time.
    let searched = Arc::clone(&index);
    let matches = search.try_call(move |search, running| {
        let index = search.held(&searched)?;
        let matches = search.enter(running, |store, exports| {
            exports.example_search_search().index().call_search(store, index, "queue call")
        })?;
        Ok::<_, Error>(matches.map(|matches| Arc::new(search.hold(matches))))
    });
    let matches = matches.await?.map_err(|failure| format!("{failure:?}"))?;
    let pulled = Arc::clone(&matches);
    let hits = search.iterate(move |search, running| {
        let matches = search.held(&pulled)?;
        search.enter(running, |store, exports| {
            Ok(exports.example_search_search().matches().call_next(store, matches, 1)?.pop())
        })
    });
    let mut hits = hits.stream();
    while let Some(hit) = hits.try_next().await? {
        println!("{}: {}", hit.id, hit.excerpt);
    }

    // An instance holds so many resources and no more: what is not needed goes.
    search.try_call(move |search, _| search.release(&matches).and_then(|()| search.release(&index))).await?;
    search.close().await?;
    Ok(())
}
