// Bytes of a typed array: how many primes there are.
() => {
  const SIZE = 120000;
  const composite = new Uint8Array(SIZE);
  let primes = 0;
  for (let i = 2; i < SIZE; i++) {
    if (composite[i]) continue;
    primes++;
    for (let j = i * 2; j < SIZE; j += i) composite[j] = 1;
  }
  return primes;
}
