// Texts are built, cut, searched and compared.
() => {
  let checksum = 0;
  for (let round = 0; round < 30; round++) {
    let text = '';
    for (let i = 0; i < 600; i++) text += `${i * round},`;
    const parts = text.split(',');
    const joined = parts.map((part) => part.padStart(6, '0').toUpperCase()).join('-');
    for (let i = 0; i < joined.length; i++) checksum = (checksum * 33 + joined.charCodeAt(i)) % 16777213;
    checksum += joined.indexOf('000599') + joined.slice(100, 2000).lastIndexOf('1');
    checksum += parts.filter((part) => part.startsWith('1') && part.endsWith('0')).length;
    checksum += joined.replaceAll('-', '').length;
  }
  return checksum;
}
