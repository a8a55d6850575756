import { Shape } from "./shapes.ts";

type Measured<S> = S extends { area: infer A } ? A : never;

export function total(shapes: Iterable<Shape>): number {
    let sum: Measured<Shape> = 0;
    for (const shape of shapes) sum += shape.area;
    return sum;
}

export const describe = (shape: Shape): string => `${shape.name} at ${shape.where()}: ${shape.area.toFixed(2)}`;
