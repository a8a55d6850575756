// Objects are made, sorted by a function, and grouped.
() => {
  let seed = 12345;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff);
  let checksum = 0;
  for (let round = 0; round < 3; round++) {
    const people = [];
    for (let id = 0; id < 3000; id++) {
      people.push({ id, age: random() % 90, address: { street: random() % 200, city: random() % 20 } });
    }
    people.sort((a, b) => a.age - b.age || a.address.street - b.address.street || a.id - b.id);
    const cities = {};
    for (const { age, address: { city } } of people) (cities[`city${city}`] ??= []).push(age);
    for (const ages of Object.values(cities)) {
      checksum = (checksum * 31 + ages.filter((age) => age > 40).reduce((a, b) => a + b, 0)) % 1000003;
    }
    checksum += people[1500].id;
  }
  return checksum;
}
