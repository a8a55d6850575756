// Regular expressions: lines of a log are taken apart, and changed.
() => {
  const lines = [];
  for (let i = 0; i < 500; i++) {
    lines.push(`2024-0${(i % 9) + 1}-1${i % 10} 12:${10 + (i % 50)} [${i % 3 ? 'info' : 'error'}] user${i}@example.com GET /path/${i}?q=${i * 7}`);
  }
  const pattern = /^(?<year>\d{4})-(\d{2})-(\d{2}) (\d+):(\d+) \[(info|error)\] (\S+)@([\w.]+) (?:GET|PUT) (\/[^?]*)\?q=(\d+)$/;
  let checksum = 0;
  for (let round = 0; round < 4; round++) {
    for (const line of lines) {
      const match = pattern.exec(line);
      checksum += Number(match[10]) + match.groups.year.length + match[7].length;
      checksum += line.replace(/\d+/g, (digits) => `<${digits.length}>`).length;
      if (/error.*example/i.test(line)) checksum++;
    }
  }
  for (const { index } of lines.join('\n').matchAll(/\buser\d*7@/g)) checksum = (checksum + index) % 16777213;
  return checksum;
}
