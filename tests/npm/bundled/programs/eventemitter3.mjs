import EventEmitter from "eventemitter3";
const emitter = new EventEmitter(); const seen = [];
const on = (...values) => seen.push(["on", ...values]);
emitter.on("a", on).once("a", (value) => seen.push(["once", value])).on("a", function () { seen.push([this.tag]) }, { tag: "this" });
console.log([emitter.emit("a", 1, 2), emitter.emit("a", 3), emitter.emit("b")].join() + " " + emitter.listenerCount("a") + " " + emitter.eventNames().join());
emitter.off("a", on); emitter.emit("a", 4); emitter.removeAllListeners(); emitter.emit("a", 5);
console.log(JSON.stringify(seen));
