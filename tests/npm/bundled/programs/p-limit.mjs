import pLimit from "p-limit";
const limit = pLimit(2); let running = 0, most = 0; const order = [];
const work = (id, delay) => limit(async () => {
  most = Math.max(most, ++running);
  await new Promise((resolve) => setTimeout(resolve, delay));
  running--; order.push(id); return id * 10;
});
const results = await Promise.all([work(1, 30), work(2, 5), work(3, 5), work(4, 60)]);
console.log(JSON.stringify({ results, most, order, left: [limit.activeCount, limit.pendingCount] }));
console.log((await Promise.allSettled([limit(() => { throw new RangeError("no") }), limit((a, b) => a + b, 1, 2)])).map((one) => one.reason?.message ?? one.value).join());
