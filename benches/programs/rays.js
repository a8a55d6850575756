// A small ray tracer: spheres above a plane, with one light, shadows and reflections.
() => {
  class Vector {
    constructor(x, y, z) {
      this.x = x;
      this.y = y;
      this.z = z;
    }
    plus({ x, y, z }) {
      return new Vector(this.x + x, this.y + y, this.z + z);
    }
    minus({ x, y, z }) {
      return new Vector(this.x - x, this.y - y, this.z - z);
    }
    times(by) {
      return new Vector(this.x * by, this.y * by, this.z * by);
    }
    dot({ x, y, z }) {
      return this.x * x + this.y * y + this.z * z;
    }
    unit() {
      return this.times(1 / Math.sqrt(this.dot(this)));
    }
  }
  class Sphere {
    constructor(centre, radius, shade, mirror) {
      Object.assign(this, { centre, radius, shade, mirror });
    }
    distance(from, along) {
      const to = this.centre.minus(from);
      const near = to.dot(along);
      const rest = this.radius * this.radius - to.dot(to) + near * near;
      if (rest < 0) return Infinity;
      const hit = near - Math.sqrt(rest);
      return hit > 1e-6 ? hit : Infinity;
    }
    normal(at) {
      return at.minus(this.centre).unit();
    }
    shadeAt() {
      return this.shade;
    }
  }
  class Plane {
    mirror = 0.1;
    distance(from, along) {
      const hit = -from.y / along.y;
      return hit > 1e-6 ? hit : Infinity;
    }
    normal() {
      return new Vector(0, 1, 0);
    }
    shadeAt({ x, z }) {
      return (Math.floor(x) + Math.floor(z)) & 1 ? 0.9 : 0.3;
    }
  }
  const things = [
    new Plane(),
    new Sphere(new Vector(-1.1, 1, 4), 1, 0.8, 0.3),
    new Sphere(new Vector(1.1, 0.8, 3.5), 0.8, 0.6, 0.5),
    new Sphere(new Vector(0, 0.4, 2.4), 0.4, 1, 0),
  ];
  const light = new Vector(-3, 5, 0);
  const nearest = (from, along) => {
    let found = null;
    let least = Infinity;
    for (const thing of things) {
      const distance = thing.distance(from, along);
      if (distance < least) [found, least] = [thing, distance];
    }
    return [found, least];
  };
  const trace = (from, along, depth) => {
    const [thing, distance] = nearest(from, along);
    if (!thing) return 0.2 + 0.3 * Math.abs(along.y);
    const at = from.plus(along.times(distance));
    const normal = thing.normal(at);
    const toLight = light.minus(at);
    const far = Math.sqrt(toLight.dot(toLight));
    const [, shadow] = nearest(at, toLight.unit());
    const lit = shadow < far ? 0 : Math.max(0, normal.dot(toLight) / far);
    const own = thing.shadeAt(at) * (0.2 + 0.8 * lit);
    if (depth === 0 || !thing.mirror) return own;
    const bounced = along.minus(normal.times(2 * along.dot(normal)));
    return own * (1 - thing.mirror) + thing.mirror * trace(at, bounced, depth - 1);
  };
  const eye = new Vector(0, 1, -2);
  let checksum = 0;
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 48; x++) {
      const along = new Vector((x - 24) / 32, (16 - y) / 32, 1).unit();
      checksum = (checksum * 7 + Math.round(trace(eye, along, 3) * 255)) % 16777213;
    }
  }
  return checksum;
}
