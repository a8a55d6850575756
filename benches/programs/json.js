// JSON, both ways.
() => {
  const list = Array.from({ length: 400 }, (_, id) => ({
    id,
    name: `item "${id}"`,
    price: id / 4,
    tags: ['a', 'b\n', `t${id % 7}`],
    nested: { on: id % 2 === 0, none: null },
  }));
  let checksum = 0;
  for (let round = 0; round < 10; round++) {
    const text = JSON.stringify({ round, list });
    const back = JSON.parse(text);
    checksum += text.length + back.list.length;
    for (const { price, nested } of back.list) checksum += price * 4 + (nested.on ? 1 : 0);
  }
  return checksum;
}
