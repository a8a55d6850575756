// Floating point: how many points of a grid do not escape from the Mandelbrot set, and after how many steps the others do.
() => {
  let steps = 0;
  for (let y = 0; y < 48; y++) {
    for (let x = 0; x < 64; x++) {
      const a = x / 24 - 2;
      const b = y / 20 - 1.2;
      let re = 0;
      let im = 0;
      let n = 0;
      while (n < 250 && re * re + im * im < 4) {
        const next = re * re - im * im + a;
        im = 2 * re * im + b;
        re = next;
        n++;
      }
      steps += n;
    }
  }
  return steps;
}
