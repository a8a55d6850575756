// Maps and sets, by numbers, by texts and by objects.
() => {
  const counts = new Map();
  const seen = new Set();
  const owners = new WeakMap();
  let checksum = 0;
  for (let i = 0; i < 15000; i++) {
    const key = (i * 7919) % 301;
    counts.set(key, (counts.get(key) ?? 0) + i);
    seen.add(`k${(i * 31) % 1500}`);
  }
  for (const [key, count] of counts) checksum = (checksum + key * (count % 1009)) % 16777213;
  for (let i = 0; i < 2000; i++) if (seen.delete(`k${i}`)) checksum++;
  const objects = Array.from({ length: 2000 }, (_, i) => ({ i }));
  for (const object of objects) owners.set(object, objects[(object.i * 3) % 2000]);
  for (const object of objects) checksum += owners.get(object).i;
  return checksum + seen.size;
}
