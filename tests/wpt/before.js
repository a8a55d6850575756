// What a file of web-platform-tests finds beside the engine's own globals: what says where it runs, the files that it fetches, memory that
// is shared, and what reads a Blob in the tests about those. `folder` is where the tests are, and `files` has texts by their paths.
globalThis.self = globalThis;
self.GLOBAL = { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false };
const fetchedByEngine = fetch;
self.fetch = async (path) => {
  const parts = [];
  for (const part of (path.startsWith('/') ? path.slice(1) : `${folder}/${path}`).split('/')) {
    part === '..' ? parts.pop() : parts.push(part);
  }
  const name = parts.join('/');
  return {
    ok: true,
    json: async () => (await import(`./${name}`, { with: { type: 'json' } })).default,
    text: async () => files[name],
  };
};
self.WebAssembly = { Memory: class { buffer = new SharedArrayBuffer(0) } };
self.FileReader = class extends EventTarget {
  readAsText(blob) { this.#read(blob.text()) }
  readAsArrayBuffer(blob) { this.#read(blob.arrayBuffer()) }
  async #read(promise) {
    this.result = await promise;
    for (const type of ['load', 'loadend']) {
      this.dispatchEvent(new Event(type));
      this[`on${type}`]?.call(this, new Event(type));
    }
  }
};
