import { EventSourceParserStream } from "eventsource-parser/stream";
const bytes = new TextEncoder().encode("retry: 50\n: comment\nevent: add\nid: 1\ndata: grüße\ndata: two\n\ndata: [1,\r\ndata: 2]\r\n\r\nbad\ndata:last\n\n");
const source = new ReadableStream({
  at: 0,
  pull(controller) {
    if (this.at >= bytes.length) return controller.close();
    controller.enqueue(bytes.subarray(this.at, (this.at += 7)));
  },
});
const events = source.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
for await (const { event, id, data } of events) console.log(JSON.stringify([event ?? null, id ?? null, data]));
const [left, right] = new Blob(["a,b\n", new Uint8Array([99, 44, 100])]).stream().pipeThrough(new TextDecoderStream()).tee();
const all = async (stream) => { let text = ""; for await (const chunk of stream) text += chunk; return text };
console.log(JSON.stringify(await Promise.all([all(left), all(right)])));
