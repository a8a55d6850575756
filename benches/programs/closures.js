// Functions that make functions, generators, destructuring and spreading.
() => {
  const counter = (step) => {
    let count = 0;
    return { next: () => (count += step), reset: () => (count = 0) };
  };
  const compose = (...functions) => (value) => functions.reduce((result, one) => one(result), value);
  function* take(iterable, limit) {
    let left = limit;
    for (const value of iterable) {
      if (left-- <= 0) return;
      yield value;
    }
  }
  function* numbers() {
    for (let n = 0; ; n++) yield n;
  }
  const counters = Array.from({ length: 50 }, (_, step) => counter(step));
  const change = compose((n) => n + 1, (n) => n * 3, (n) => n % 1000, (n) => n ^ 5);
  let checksum = 0;
  for (let round = 0; round < 1600; round++) {
    for (const { next } of counters) checksum = (checksum + next()) % 16777213;
    if (round % 100 === 99) counters.forEach(({ reset }) => reset());
  }
  for (let i = 0; i < 24000; i++) checksum = (checksum + change(i)) % 16777213;
  for (const n of take(numbers(), 30000)) checksum += n & 7;
  const [first, ...rest] = [...take(numbers(), 2000)];
  return Math.max(checksum, first, ...rest);
}
