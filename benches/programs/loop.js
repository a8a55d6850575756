// Whole numbers in local variables.
() => {
  let sum = 0;
  for (let i = 0; i < 600000; i++) {
    sum = (sum + (i ^ (sum >>> 3))) | 0;
  }
  return sum;
}
